"""tariffcore prices treated hospital cases exactly."""
