"""Connections: how they are made, with which settings, and why one could not be."""

from __future__ import annotations
