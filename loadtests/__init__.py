"""Load tests on Locust: users over the harness's blocking clients, profiles as data, a ledger, a verdict.

Only `locustfile`, `wiring` and `users` import Locust, since that import patches the whole process for gevent.
"""
