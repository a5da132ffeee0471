package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A Cluster is how a destination is followed.
type Cluster struct {
	Server, Name string
	Labels       map[string]string // of its Secret; nil if there is none
	Version      string            // of Kubernetes
	Connected    bool
	Kinds        int       // that are followed
	Objects      int       // likewise
	Listed       time.Time // when the oldest listing was made; zero if there is none
	Events       map[schema.GroupKind]int64
	Processing   Processing
}

// A Processing is how long it took to process the events of a cluster.
type Processing struct {
	Within map[float64]uint64 // by bounds in seconds
	Count  uint64
	Sum    float64 // seconds
	Batch  int     // how many objects the last one was about
}

// clusters is argocd_cluster_*.
type clusters func() []Cluster

var clusterLabels = []string{"server"}

var (
	clusterInfoDesc = prometheus.NewDesc("argocd_cluster_info", "Information about cluster.", with(clusterLabels, "k8s_version", "name"), nil)
	connectionDesc  = prometheus.NewDesc("argocd_cluster_connection_status", "The k8s cluster current connection status.", with(clusterLabels, "k8s_version"), nil)
	kindsDesc       = prometheus.NewDesc("argocd_cluster_api_resources", "Number of monitored kubernetes API resources.", clusterLabels, nil)
	objectsDesc     = prometheus.NewDesc("argocd_cluster_api_resource_objects", "Number of k8s resource objects in the cache.", clusterLabels, nil)
	ageDesc         = prometheus.NewDesc("argocd_cluster_cache_age_seconds", "Cluster cache age in seconds.", clusterLabels, nil)
	processingDesc  = prometheus.NewDesc("argocd_resource_events_processing", "Time to process resource events in seconds.", clusterLabels, nil)
	batchDesc       = prometheus.NewDesc("argocd_resource_events_processed_in_batch", "Number of resource events processed in batch", clusterLabels, nil)
	eventsDesc      = prometheus.NewDesc("argocd_cluster_events_total", "Number of processes k8s resource events.", with(clusterLabels, "group", "kind"), nil)
)

// Describe and Collect make it a prometheus.Collector.
func (clusters) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{clusterInfoDesc, connectionDesc, kindsDesc, objectsDesc, ageDesc, eventsDesc, processingDesc, batchDesc} {
		out <- desc
	}
}

func (list clusters) Collect(out chan<- prometheus.Metric) {
	for _, c := range list() {
		gauge := func(desc *prometheus.Desc, value float64, more ...string) {
			out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, with([]string{c.Server}, more...)...)
		}
		gauge(clusterInfoDesc, 1, c.Version, c.Name)
		gauge(connectionDesc, float64(oneIf(c.Connected)), c.Version)
		gauge(kindsDesc, float64(c.Kinds))
		gauge(objectsDesc, float64(c.Objects))
		age := -1.0 // as Argo CD has it
		if !c.Listed.IsZero() {
			age = time.Since(c.Listed).Truncate(time.Second).Seconds()
		}
		gauge(ageDesc, age)
		gauge(batchDesc, float64(c.Processing.Batch))
		out <- prometheus.MustNewConstHistogram(processingDesc, c.Processing.Count, c.Processing.Sum, c.Processing.Within, c.Server)
		for kind, n := range c.Events {
			out <- prometheus.MustNewConstMetric(eventsDesc, prometheus.CounterValue, float64(n), c.Server, kind.Group, kind.Kind)
		}
	}
}

func oneIf(is bool) int {
	if is {
		return 1
	}
	return 0
}
