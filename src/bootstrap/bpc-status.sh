#!/bin/sh
# Prints how far the bootstrap of this machine is: each stage as done, failed or pending. Exit 0: all are done.
exec "${BPC_ROOT:-}/usr/local/lib/bpc/bootstrap" --status
