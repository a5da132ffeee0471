package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/bundle"
	"github.com/tidelock-io/tidelock/agent/install"
	"github.com/tidelock-io/tidelock/cmd/release"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"
)

// A supporter reads the parts of a bundle.
type supporter struct {
	bundleOptions
	*remote
	kube kubernetes.Interface
}

// A page is one that an agent answers.
type page struct{ file, port, path string }

var pages = []page{
	{"healthz.txt", "8080", "/healthz"}, {"readyz.txt", "8080", "/readyz"}, {"metrics.txt", "8082", "/metrics"},
}

// debugPages are those that only --debug-listen has. Profiles are of stacks, and hold
// nothing of what is in memory.
var debugPages = []page{
	{"state.json", "", "/debug/state"}, {"goroutines.txt", "", "/debug/pprof/goroutine?debug=1"}, {"heap.pprof", "", "/debug/pprof/heap"},
}

// namespaceOf is where the agent is.
func (s *supporter) namespaceOf() string { return s.namespace }

// parts are all that there is to read.
func (s *supporter) parts(ctx context.Context) []bundle.Part {
	all := []bundle.Part{
		{Name: "version.txt", Read: s.versions},
		{Name: "applications.yaml", Read: s.objects("applications")},
		{Name: "applicationsets.yaml", Read: s.objects("applicationsets")},
		{Name: "appprojects.yaml", Read: s.objects("appprojects")},
		{Name: "events.txt", Read: s.events},
		{Name: "configmaps.yaml", Read: s.configMaps},
		{Name: "secrets.txt", Read: s.secrets},
		{Name: "deployment.yaml", Read: s.deployment},
		{Name: "pods.txt", Read: s.pods},
		{Name: "replicas.txt", Read: s.replicas},
	}
	all = append(all, s.pages()...)
	if s.log != "" {
		return append(all, bundle.Part{Name: "agent.log", Read: func(context.Context) ([]byte, error) { return os.ReadFile(s.log) }})
	}
	return append(all, s.ofPods(ctx)...)
}

// pages are those of an agent whose addresses are named.
func (s *supporter) pages() []bundle.Part {
	var all []bundle.Part
	add := func(server string, list []page) {
		for _, p := range list {
			if server != "" {
				all = append(all, bundle.Part{Name: p.file, Read: func(ctx context.Context) ([]byte, error) { return fetch(ctx, pageURL(server, p.path)) }})
			}
		}
	}
	add(s.agent, pages[:2])
	add(s.meter, pages[2:])
	add(s.debug, debugPages)
	return all
}

// ofPods are the logs of the agent's Pods, and their pages, through the API server.
func (s *supporter) ofPods(ctx context.Context) []bundle.Part {
	list, err := s.kube.CoreV1().Pods(s.namespaceOf()).List(ctx, metav1.ListOptions{LabelSelector: selectorOfAgent})
	if err != nil || len(list.Items) == 0 {
		return []bundle.Part{{Name: "logs", Read: func(context.Context) ([]byte, error) {
			return nil, errors.Join(err, fmt.Errorf("no Pods of an agent are in namespace %s: name the log by --log", s.namespaceOf()))
		}}}
	}
	var all []bundle.Part
	for _, pod := range list.Items {
		all = append(all, s.logOf(pod.Name, false), s.logOf(pod.Name, true))
		for _, p := range pages {
			if s.agent != "" && p.port == pages[0].port || s.meter != "" && p.port == pages[2].port {
				continue
			}
			all = append(all, bundle.Part{Name: pod.Name + "/" + p.file, Read: func(ctx context.Context) ([]byte, error) {
				return s.kube.CoreV1().Pods(pod.Namespace).ProxyGet("http", pod.Name, p.port, p.path, nil).DoRaw(ctx)
			}})
		}
	}
	return all
}

// logOf is the log of a Pod; that of the container before, which may never have been,
// is missed by nobody.
func (s *supporter) logOf(pod string, previous bool) bundle.Part {
	name := pod + "/agent.log"
	if previous {
		name = pod + "/agent.before.log"
	}
	return bundle.Part{Name: name, Read: func(ctx context.Context) ([]byte, error) {
		limit := int64(64 << 20)
		text, err := s.kube.CoreV1().Pods(s.namespaceOf()).GetLogs(pod, &corev1.PodLogOptions{Previous: previous, Timestamps: false, LimitBytes: &limit}).DoRaw(ctx)
		if previous {
			err = nil
		}
		return text, err
	}}
}

// replicas are those of the agent, and how many Applications each works on.
func (s *supporter) replicas(ctx context.Context) ([]byte, error) {
	all, err := s.remote.replicas(ctx, false)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = new(replicasOptions).print(&out, all)
	return out.Bytes(), err
}

var selectorOfAgent = "app.kubernetes.io/name=" + install.Name

func (s *supporter) versions(context.Context) ([]byte, error) {
	text := fmt.Sprintf("tidelock support-bundle %s, at %s\n", release.Text(), time.Now().UTC().Format(time.RFC3339))
	version, err := s.kube.Discovery().ServerVersion()
	if err == nil {
		text += "Kubernetes " + version.GitVersion + "\n"
	}
	return []byte(text), err
}

// objects are those of a kind of ours, without what may be secret.
func (s *supporter) objects(resource string) func(context.Context) ([]byte, error) {
	return func(ctx context.Context) ([]byte, error) {
		raw, err := s.client.Get().Namespace(s.namespaceOf()).Resource(resource).Do(ctx).Raw()
		if err != nil {
			return nil, err
		}
		var list struct {
			Items []map[string]any `json:"items"`
		}
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, errors.New("cannot read what the API server answers")
		}
		var out bytes.Buffer
		for _, item := range list.Items {
			text, err := yaml.Marshal(bundle.Object(item))
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&out, "---\n%s", text)
		}
		return out.Bytes(), nil
	}
}

func (s *supporter) events(ctx context.Context) ([]byte, error) {
	list, err := s.kube.CoreV1().Events(s.namespaceOf()).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list.Items, func(a, b corev1.Event) int { return a.LastTimestamp.Compare(b.LastTimestamp.Time) })
	var out strings.Builder
	out.WriteString("# the last time, type, object, reason, how often, message\n")
	for _, e := range list.Items {
		fmt.Fprintf(&out, "%s %s %s/%s %s x%d: %s\n", e.LastTimestamp.UTC().Format(time.RFC3339), e.Type, e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Reason, max(1, e.Count), e.Message)
	}
	return []byte(out.String()), nil
}

// actedOn are entries of ConfigMaps that the agent acts on, and that are no secrets.
var actedOn = regexp.MustCompile(`^(resource\.|timeout\.|application\.|controller\.log\.|installationID$)`)

// all entries of the agent's own ConfigMap are settings.
var anything = regexp.MustCompile(``)

func (s *supporter) configMaps(ctx context.Context) ([]byte, error) {
	list, err := s.kube.CoreV1().ConfigMaps(s.namespaceOf()).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, config := range list.Items {
		keep := actedOn
		if config.Name == ownParams {
			keep = anything
		}
		text, err := yaml.Marshal(map[string]any{"name": config.Name, "labels": config.Labels, "data": bundle.Settings(config.Data, keep)})
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "---\n%s", text)
	}
	return out.Bytes(), nil
}

// secrets tells which there are, and what entries they have.
func (s *supporter) secrets(ctx context.Context) ([]byte, error) {
	list, err := s.kube.CoreV1().Secrets(s.namespaceOf()).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	for _, secret := range list.Items {
		var entries []string
		for key, value := range secret.Data {
			entries = append(entries, fmt.Sprintf("%s (%d bytes)", key, len(value)))
		}
		slices.Sort(entries)
		fmt.Fprintf(&out, "%s %s %v: %s\n", secret.Name, secret.Type, secret.Labels, strings.Join(entries, ", "))
	}
	return []byte(out.String()), nil
}

// cleaner takes what is in the namespace's Secrets out of all that is written.
func (s *supporter) cleaner(ctx context.Context) (func(string) string, []error) {
	list, err := s.kube.CoreV1().Secrets(s.namespaceOf()).List(ctx, metav1.ListOptions{})
	if err != nil {
		return bundle.Cleaner(), []error{fmt.Errorf("the Secrets of namespace %s, whose values would be taken out of the log: %w", s.namespaceOf(), err)}
	}
	var values [][]byte
	for _, secret := range list.Items {
		for key, value := range secret.Data {
			if !slices.Contains(public, key) {
				values = append(values, value)
			}
		}
	}
	return bundle.Cleaner(values...), nil
}

// public are entries of Secrets that say where something is, and not how to get in.
var public = []string{"url", "type", "name", "project", "server", "username", "namespaces", "enableOCI", "insecure", "tls.crt", "ca.crt", "namespace"}

func (s *supporter) deployment(ctx context.Context) ([]byte, error) {
	list, err := s.kube.AppsV1().Deployments(s.namespaceOf()).List(ctx, metav1.ListOptions{LabelSelector: selectorOfAgent})
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, d := range list.Items {
		d.ManagedFields, d.Annotations = nil, nil
		for _, c := range d.Spec.Template.Spec.Containers {
			for i := range c.Env {
				if !strings.HasPrefix(c.Env[i].Name, envPrefix) && c.Env[i].Value != "" {
					c.Env[i].Value = "(hidden)"
				}
			}
		}
		text, err := yaml.Marshal(d)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "---\n%s", text)
	}
	return out.Bytes(), nil
}

func (s *supporter) pods(ctx context.Context) ([]byte, error) {
	list, err := s.kube.CoreV1().Pods(s.namespaceOf()).List(ctx, metav1.ListOptions{LabelSelector: selectorOfAgent})
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	for _, pod := range list.Items {
		fmt.Fprintf(&out, "%s on %s: %s %s\n", pod.Name, pod.Spec.NodeName, pod.Status.Phase, pod.Status.Message)
		for _, c := range pod.Status.ContainerStatuses {
			state, err := json.Marshal(map[string]any{"image": c.ImageID, "ready": c.Ready, "restarts": c.RestartCount, "state": c.State, "before": c.LastTerminationState})
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&out, "  %s: %s\n", c.Name, state)
		}
	}
	return []byte(out.String()), nil
}

// fetch reads a page. That it says no is part of what it says.
func fetch(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: time.Minute}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", response.Status)
	}
	return text, err
}
