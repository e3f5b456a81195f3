"""nginx.conf: text to a checked configuration, with nginx's own errors."""
