"""Makes day.csv: a day of a desktop machine, in steps of five minutes. Not recorded: see README.md."""
import random

random.seed(18)
print("# minute of the week, seconds, milliwatts drawn, milliwatts that it would have drawn without the worker, share of the allowance in percent, whether its owner uses it")
for step in range(288):
    minute = 2 * 1440 + step * 5
    hour = step * 5 / 60
    used = 8 <= hour < 9 or 17 <= hour < 22
    # The owner's own use, the screen, and the fan's drift over the day.
    idle = 38_000 + int(3_000 * abs(hour - 12) / 12) + random.randint(-1_500, 1_500) + (25_000 + random.randint(0, 20_000) if used else 0)
    share = 0 if used or random.random() < 0.08 else (20 if random.random() < 0.1 else 100)
    work = int(85_000 * share / 100 * random.uniform(0.92, 1.08))
    print(f"{minute},300,{idle + work},{idle},{share},{int(used)}")
