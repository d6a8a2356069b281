"""Who spends what: cost by feature and tenant, from the run's `metadata`.

Look at the rows `feature=...` and `tenant=...` of the table, and at the Prometheus counter below it, which has the
feature only: metrics want labels with few values, and never a user's id. Past 200 values new ones become `_other`.
`price` is your own contract with the provider; `None` leaves it to Pydantic AI's list price.
"""

import asyncio

from prometheus_client import REGISTRY
from pydantic_ai import Agent
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models.test import TestModel

from streamtap import PrometheusSink, ResponseRecord, Tap, UsageSink

DOLLARS_PER_TOKEN = {'test': (0.000_002, 0.000_008)}


def price(record: ResponseRecord, response: ModelResponse) -> float | None:
    """What we pay for a response, where we have a price of our own."""
    prices = DOLLARS_PER_TOKEN.get(record.model)
    if prices is None:
        return None
    return prices[0] * (record.input_tokens or 0) + prices[1] * (record.output_tokens or 0)


async def main() -> None:
    """Run two features for two tenants."""
    tap = Tap([PrometheusSink(labels=('feature',)), UsageSink()], labels=('feature', 'tenant'), price=price)
    search = Agent(TestModel(), name='search', metadata={'feature': 'search'}, capabilities=[tap.capability()])
    drafts = Agent(TestModel(), name='drafts', metadata={'feature': 'drafts'}, capabilities=[tap.capability()])

    await search.run('invoices of May', metadata={'tenant': 'acme'})
    await search.run('invoices of June', metadata={'tenant': 'acme'})
    await drafts.run('a reminder', metadata={'tenant': 'globex'})

    print(tap.usage.summary())
    for metric in REGISTRY.collect():
        for sample in metric.samples:
            if sample.name == 'pydantic_ai_cost_usd_total':
                print(f'{sample.labels["feature"]}: ${sample.value:.6f}')


if __name__ == '__main__':
    asyncio.run(main())
