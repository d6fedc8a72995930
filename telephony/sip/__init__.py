"""SIP lines on baresip."""
