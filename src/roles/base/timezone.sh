# A link is all that timedatectl would make, which needs D-Bus; one that leads nowhere means UTC (localtime(5)).

ln -sfn "/usr/share/zoneinfo/$TIMEZONE" /etc/localtime
