# SPDX-License-Identifier: MIT
# The median of numbers, and their deviation from it, for the other awk programs here.

# Of v[1..n], which is sorted by this
function median(v, n,	i, j, x)
{
	for (i = 2; i <= n; i++) {
		x = v[i]
		for (j = i - 1; j && v[j] > x; j--)
			v[j + 1] = v[j]
		v[j + 1] = x
	}
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

# The median distance of v[1..n] from m; v is lost
function deviation(v, n, m,	i)
{
	for (i = 1; i <= n; i++)
		v[i] = v[i] < m ? m - v[i] : v[i] - m
	return median(v, n)
}
