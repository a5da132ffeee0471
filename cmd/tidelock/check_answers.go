package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Limits on what an agent may answer.
const (
	maxProbe   = 64 << 10
	maxMetrics = 64 << 20
)

// lookAnswers asks the agent itself: whether it lives and is ready, part by part, and
// for its metrics. The way is the API server's proxy to each Pod, or --agent-url and
// --metrics-url.
func (c *checker) lookAnswers(ctx context.Context, a *area) {
	if c.agentURL != "" || c.metricsURL != "" {
		c.lookURLs(ctx, a)
		return
	}
	if c.noDeployment != nil || c.deployment == nil {
		return // see installation
	}
	pods, err := c.kube.CoreV1().Pods(c.namespace).List(ctx, metav1.ListOptions{LabelSelector: selectorOfAgent})
	if err != nil {
		a.unread("the agent's Pods", err)
		return
	}
	for i := range pods.Items {
		if pod := &pods.Items[i]; pod.Status.Phase == corev1.PodRunning && pod.DeletionTimestamp == nil {
			c.lookPod(ctx, a, pod)
		}
	}
}

// lookPod asks one Pod through the API server.
func (c *checker) lookPod(ctx context.Context, a *area, pod *corev1.Pod) {
	through := func(port, path string, limit int64) reply {
		result := c.kube.CoreV1().RESTClient().Get().Namespace(pod.Namespace).Resource("pods").SubResource("proxy").
			Name("http:" + pod.Name + ":" + port).Suffix(path).Do(ctx)
		var code int
		text, err := result.StatusCode(&code).Raw()
		return reply{text[:min(len(text), int(limit))], code, err}
	}
	for _, path := range []string{"healthz", "readyz"} {
		c.sayProbe(a, "Pod "+pod.Name, path, through(webhookPortOf, path, maxProbe))
	}
	c.sayMetrics(a, "Pod "+pod.Name, through(metricsPortOf, "metrics", maxMetrics))
}

// Ports of the agent in its Pods.
const (
	webhookPortOf = "8080"
	metricsPortOf = "8082"
)

// lookURLs asks the agent that is reached at the addresses.
func (c *checker) lookURLs(ctx context.Context, a *area) {
	if c.agentURL != "" {
		for _, path := range []string{"healthz", "readyz"} {
			c.sayProbe(a, c.agentURL, path, askAt(ctx, c.agentURL, path, maxProbe))
		}
	}
	if c.metricsURL != "" {
		c.sayMetrics(a, c.metricsURL, askAt(ctx, c.metricsURL, "", maxMetrics))
	}
}

// A reply is what came of a question.
type reply struct {
	text []byte
	code int
	err  error
}

func askAt(ctx context.Context, base, path string, limit int64) reply {
	address, err := url.JoinPath(base, path)
	if err != nil {
		return reply{err: err}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return reply{err: err}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return reply{err: err}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, limit))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answers %s", response.Status)
	}
	return reply{text, response.StatusCode, err}
}

// sayProbe says what a probe has reply. Each part that is wrong stands in a line of
// its own.
func (c *checker) sayProbe(a *area, who, path string, got reply) {
	failing := false
	for line := range strings.Lines(string(got.text)) {
		if part, ok := strings.CutPrefix(strings.TrimSpace(line), "[-] "); ok {
			failing = true
			a.wrong("its log tells more: kubectl -n "+c.namespace+" logs deploy/tidelock", "%s: /%s: %s", who, path, part)
		}
	}
	switch {
	case failing:
	case got.err == nil:
		a.ok("%s: /%s says that all is well", who, path)
	default:
		a.sayUnasked(who+": /"+path, got.err)
	}
}

// sayMetrics says whether the metrics are told, with those that alerts need.
func (c *checker) sayMetrics(a *area, who string, got reply) {
	if got.err != nil {
		a.sayUnasked(who+": the metrics", got.err)
		return
	}
	if !strings.Contains(string(got.text), "\n# TYPE argocd_app_info ") {
		a.wrong("is it the metrics' port of an agent?", "%s: there is no argocd_app_info among its metrics", who)
		return
	}
	a.ok("%s: its metrics are told", who)
}

// sayUnasked says that an agent could not be asked, which need not be its fault.
func (a *area) sayUnasked(what string, err error) {
	hint := "kubectl port-forward reaches it, and --agent-url and --metrics-url ask it there"
	if apierrors.IsForbidden(err) {
		hint = "ask for the right to get pods/proxy, or: " + hint
	}
	var status *apierrors.StatusError
	if errors.As(err, &status) {
		err = errors.New(oneLine(status.ErrStatus.Message))
	}
	a.add(stateUnknown, fmt.Sprintf("%s cannot be asked for from here: %v", what, err), hint)
}
