// SPDX-License-Identifier: MIT
/*
 * A kernel module, for virtual machines alone: as soon as the module that the parameter "in" names
 * is loaded, makes its functions that the parameter "skip" names return 0 at once. So a driver
 * passes its self-tests on a block of constant registers. Never submit work to such a device: no
 * hardware would run it. FUNCTION:N is a function that would give the device work, and whose
 * argument N, from 0 on, says where the fence of that work goes: it gets a fence that is signalled.
 *
 *   insmod gpu_bypass.ko in=radeon skip=r100_ring_test,r100_ib_test; insmod radeon.ko
 */
#include <linux/dma-fence.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/notifier.h>

#define MOST 8

static char *in;
module_param(in, charp, 0444);
static char *skip[MOST];
static int skips;
module_param_array(skip, charp, &skips, 0444);
/* How many calls were left out. */
static int skipped;
module_param(skipped, int, 0444);

static struct kprobe probes[MOST];
static unsigned int fences[MOST];	/* the argument's number, from 1 on; 0: there is none */

static noinline int passed(void)
{
	return 0;
}

/* Before its first instruction: what is entered instead has the same caller to return to. */
static int skip_it(struct kprobe *probe, struct pt_regs *regs)
{
	unsigned int n = fences[probe - probes];

	if (n)
		*(struct dma_fence **)regs_get_kernel_argument(regs, n - 1) = dma_fence_get_stub();
	instruction_pointer_set(regs, (unsigned long)passed);
	skipped++;
	return 1;
}
NOKPROBE_SYMBOL(skip_it);

static int coming(struct notifier_block *nb, unsigned long state, void *data)
{
	struct module *mod = data;

	if (state != MODULE_STATE_COMING || strcmp(mod->name, in))
		return NOTIFY_DONE;
	for (int i = 0; i < skips; i++) {
		char *colon = strchr(skip[i], ':');
		unsigned int n;
		int ret;

		if (colon && !kstrtouint(colon + 1, 10, &n)) {
			*colon = '\0';
			fences[i] = n + 1;
		}
		probes[i].symbol_name = skip[i];
		probes[i].pre_handler = skip_it;
		ret = register_kprobe(&probes[i]);
		if (ret)
			pr_err("gpu_bypass: %s: %d\n", skip[i], ret);
	}
	return NOTIFY_OK;
}

static struct notifier_block nb = { .notifier_call = coming };

static int __init bypass_init(void)
{
	return in ? register_module_notifier(&nb) : -EINVAL;
}

/* The kprobes stay for ever: so does the module. */
module_init(bypass_init);
MODULE_DESCRIPTION("Lets a driver pass its self-tests on hardware that cannot run them");
MODULE_LICENSE("Dual MIT/GPL");
