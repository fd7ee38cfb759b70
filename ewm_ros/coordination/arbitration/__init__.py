"""The adviser: a language model is asked which of several validated resolutions suits the site's rules in words.

It never steers. The solver has answered before anything is asked; what comes back is the id of one option, which is
tried again against the newest intentions and then changes the order of passing, or the way out of a deadlock, by the
same two-phase change of grants as everything else. Every failure leaves the solver's answer standing.

    site       what the operator says in words: rules, facts about robots, names of places
    question   a conflict as it is put: robots under aliases, options with their consequences
    prompt     its text;  reply: the strict reading of what comes back
    adviser    whom to ask;  client: over the OpenAI SDK;  limits: budget and circuit breaker;  cache: earlier answers
    arbiter    when to ask, and what becomes of the answers
"""
