#include "base/budget.h"

static void
lower(struct budget *b, int64_t thousandths)
{
	b->spent = b->spent > thousandths ? b->spent - thousandths : 0;
}

bool
budget_spend(struct budget *b, msec now, int64_t burst, int64_t rate, int64_t cost)
{
	int64_t passed = now - b->at;
	if (passed > 0) {
		lower(b, passed > b->spent / rate ? b->spent : passed * rate);
		b->at = now;
	}
	if (b->spent + 1000 * cost > 1000 * burst)
		return false;
	b->spent += 1000 * cost;
	return true;
}

void
budget_forgive(struct budget *b, int64_t n)
{
	lower(b, 1000 * n);
}
