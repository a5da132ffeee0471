package testenv

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// Allowed names the Secrets, as namespace/name, whose data may hold canaries.
// What else is in them is searched all the same.
type Allowed map[string]bool

// Files searches the files under a directory and their names. Files that go away
// meanwhile are left out.
func (c *Canaries) Files(dir string) (found []Finding, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		found = append(found, c.Search("the name of "+path, []byte(path))...)
		if !entry.Type().IsRegular() {
			return nil
		}
		content, err := os.ReadFile(path) //nolint:gosec // links made meanwhile lead no further than the test may read
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		found = append(found, c.Search(path, content)...)
		return err
	})
	return found, err
}

// Processes searches the command lines and environments of processes, as every
// process of the same user can read them. Those that have ended are left out.
func (c *Canaries) Processes(pids ...int) (found []Finding, err error) {
	for _, pid := range pids {
		for _, file := range []string{"cmdline", "environ"} {
			path := fmt.Sprintf("/proc/%d/%s", pid, file)
			content, err := os.ReadFile(path)
			if gone(err) || errors.Is(err, fs.ErrPermission) {
				continue // it cannot be read by others either
			}
			if err != nil {
				return nil, err
			}
			found = append(found, c.Search(path, content)...)
		}
	}
	return found, nil
}

// Objects searches all objects of a cluster, events and managed fields
// included, as JSON and with the data of Secrets decoded.
func (c *Canaries) Objects(ctx context.Context, cluster *Cluster, allowed Allowed) (found []Finding, err error) {
	lists, err := cluster.Typed.Discovery().ServerPreferredResources()
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	listable := discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list"}}, lists)
	for _, group := range listable {
		version, err := schema.ParseGroupVersion(group.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, resource := range group.APIResources {
			more, err := c.list(ctx, cluster, version.WithResource(resource.Name), allowed)
			if err != nil {
				return nil, err
			}
			found = append(found, more...)
		}
	}
	return found, nil
}

func (c *Canaries) list(ctx context.Context, cluster *Cluster, resource schema.GroupVersionResource, allowed Allowed) (found []Finding, err error) {
	list, err := cluster.Dynamic.Resource(resource).List(ctx, metav1.ListOptions{})
	if apierrors.IsMethodNotSupported(err) || apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", resource.Resource, err)
	}
	for _, item := range list.Items {
		more, err := c.object(&item, allowed)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

func (c *Canaries) object(item *unstructured.Unstructured, allowed Allowed) ([]Finding, error) {
	name := item.GetNamespace() + "/" + item.GetName()
	where := item.GetKind() + " " + name
	var decoded []byte
	if item.GetKind() == "Secret" {
		data, _, _ := unstructured.NestedStringMap(item.Object, "data")
		for _, value := range data {
			plain, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", where, err)
			}
			decoded = append(append(decoded, plain...), '\n')
		}
		if allowed[name] {
			decoded = nil
			unstructured.RemoveNestedField(item.Object, "data")
		}
	}
	text, err := json.Marshal(item.Object)
	if err != nil {
		return nil, err
	}
	return append(c.Search(where, text), c.Search("the data of "+where, decoded)...), nil
}

// secretsPrefix is where etcd has Secrets, by namespace/name.
const secretsPrefix = "/registry/secrets/"

var recordStart = regexp.MustCompile(`(?m)^/registry/`)

// Dump searches what etcd holds, as [Cluster.Dump] writes it, but for the
// records of allowed Secrets.
func (c *Canaries) Dump(dump []byte, allowed Allowed) (found []Finding) {
	starts := recordStart.FindAllIndex(dump, -1)
	for i, at := range starts {
		end := len(dump)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		record := dump[at[0]:end]
		key, _, _ := bytes.Cut(record, []byte("\n"))
		name, isSecret := strings.CutPrefix(string(key), secretsPrefix)
		if isSecret && allowed[name] {
			continue
		}
		found = append(found, c.Search("etcd: "+string(key), record)...)
	}
	return found
}
