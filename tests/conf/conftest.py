from conf_case import case

__all__ = ["case"]
