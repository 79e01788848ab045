"""The platform's own data, made up but repeatable: what its services would have left in their stores on a night.

The content of a night depends on three things only, the seed, the date and the scale, so that two machines hold the
same bytes and a night may be written again. ``rates`` declares how dirty the data is; one module a table makes its
records and is pure; ``writers`` put them into the real stores; ``seeding`` brings the two together.
"""
