"""Runs Test::Nginx suites without Perl or nginx: ``resty-py test``."""
