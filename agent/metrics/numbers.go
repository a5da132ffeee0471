package metrics

import "github.com/prometheus/client_golang/prometheus"

// A Number is one value without labels.
type Number struct {
	Name, Help string
	// Value is called at each scrape, and may wait for locks.
	Value func() float64
}

// numbers is the prometheus.Collector of Numbers of one type. It asks for all of them
// before it hands any out. What client_golang has for this (GaugeFunc) asks in the one
// goroutine that takes in all series: should that wait for a lock whose holder counts
// something under a new label, which has to wait until the series of that counter are
// taken in, none of the three would ever go on.
type numbers struct {
	of    []Number
	descs []*prometheus.Desc
	as    prometheus.ValueType
}

func newNumbers(of []Number, as prometheus.ValueType) *numbers {
	n := &numbers{of: of, as: as}
	for _, number := range of {
		n.descs = append(n.descs, prometheus.NewDesc(number.Name, number.Help, nil, nil))
	}
	return n
}

func (n *numbers) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range n.descs {
		out <- desc
	}
}

func (n *numbers) Collect(out chan<- prometheus.Metric) {
	values := make([]prometheus.Metric, len(n.of))
	for i, number := range n.of {
		values[i] = prometheus.MustNewConstMetric(n.descs[i], n.as, number.Value())
	}
	for _, value := range values {
		out <- value
	}
}
