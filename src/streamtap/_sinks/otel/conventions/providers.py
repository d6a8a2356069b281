"""The names of providers as the conventions spell them."""

from __future__ import annotations

PROVIDERS = {
    'azure': 'azure.ai.openai',
    'bedrock': 'aws.bedrock',
    'google': 'gcp.gemini',
    'google-cloud': 'gcp.vertex_ai',
    'google-gla': 'gcp.gemini',
    'google-vertex': 'gcp.vertex_ai',
    'mistral': 'mistral_ai',
    'moonshotai': 'moonshot_ai',
    'xai': 'x_ai',
}
"""Pydantic AI's names of providers, where the conventions have another one for it; every other name stays as it is."""


def standard_provider(name: str) -> str:
    """A provider's name as the conventions spell it."""
    return PROVIDERS.get(name, name)
