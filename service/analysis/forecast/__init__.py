"""What theory says of a signal and of a gradient in a network, before a number is drawn: the mean-field maps."""

from service.analysis.forecast.forecast import Forecast, forecast

__all__ = ["Forecast", "forecast"]
