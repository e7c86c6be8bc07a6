"""Safe houses: places, the stays in them, what fits whom and who may never be near whom."""
