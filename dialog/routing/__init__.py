"""What kind of request it is, which category, and which department is responsible."""

from dialog.routing.categories import CategoryClassifier
from dialog.routing.departments import DepartmentRouter
from dialog.routing.request_types import RequestTypeClassifier

__all__ = ["CategoryClassifier", "DepartmentRouter", "RequestTypeClassifier"]
