# A server that runs reads its configuration again, if that is sound; one that waits for its first connection (Ubuntu
# starts it by a socket) will read it then.

apply try-reload-or-restart ssh.service
