# Docker, with all that it brings.

unpack "$DOCKER_URL" "$DOCKER_SHA256" /usr/local/bin
enable_service docker restart
