package main

import (
	"cmp"
	"slices"
	"time"
)

// summary is the median of several measurements, but their highest memory.
func summary(name string, runs []Result) Result {
	byWall := slices.SortedFunc(slices.Values(runs), func(x, y Result) int { return cmp.Compare(x.Wall, y.Wall) })
	r := byWall[len(byWall)/2]
	r.Scenario = name
	r.CPU = median(runs, func(r Result) time.Duration { return r.CPU })
	r.ControlPlane = median(runs, func(r Result) time.Duration { return r.ControlPlane })
	r.Bench = median(runs, func(r Result) time.Duration { return r.Bench })
	r.CPUOfOne = median(runs, func(r Result) time.Duration { return r.CPUOfOne })
	r.Requests = median(runs, func(r Result) int { return r.Requests })
	r.Beside = median(runs, func(r Result) int { return r.Beside })
	r.Slowest = byWall[(len(byWall)*99+99)/100-1].Wall
	for _, run := range runs {
		r.Memory, r.Agent, r.MemoryOfOne = max(r.Memory, run.Memory), max(r.Agent, run.Agent), max(r.MemoryOfOne, run.MemoryOfOne)
		r.Slowest = max(r.Slowest, run.Slowest) // of runs that are summaries themselves
	}
	return r
}

func median[T cmp.Ordered](runs []Result, of func(Result) T) T {
	var values []T
	for _, run := range runs {
		values = append(values, of(run))
	}
	slices.Sort(values)
	return values[len(values)/2]
}
