"""cloudsim: a management server that speaks CloudStack's API."""

__version__ = "0.1.0"

#: The CloudStack version whose API is spoken; what ``listCapabilities`` and the XML root tell a client.
CLOUDSTACK_VERSION = "4.22.0.0"
