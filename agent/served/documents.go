package served

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tidelock-io/tidelock/render/validate/openapi"
)

// index is where a cluster lists its documents.
const index = "/openapi/v3"

// Documents are the OpenAPI v3 of all group versions, Kubernetes' own first. Of one that
// cannot be read a note is made; of none is an error.
func (c *Cluster) Documents(ctx context.Context) (all []*openapi.Document, notes []string, err error) {
	var list struct {
		Paths map[string]struct {
			ServerRelativeURL string `json:"serverRelativeURL"`
		} `json:"paths"`
	}
	text, err := c.get(ctx, index)
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("ask the cluster for its schemas: %w", explained(err))
	}
	paths := slices.DeleteFunc(slices.Sorted(maps.Keys(list.Paths)), func(path string) bool { return !ofKinds(path) })
	builtin := builtinGroups()
	slices.SortStableFunc(paths, func(a, b string) int { return rank(builtin, a) - rank(builtin, b) })
	documents, problems := make([]*openapi.Document, len(paths)), make([]error, len(paths))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, c.options.Parallel))
	for i, path := range paths {
		group.Go(func() error {
			documents[i], problems[i] = c.document(ctx, list.Paths[path].ServerRelativeURL)
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, fmt.Errorf("ask the cluster for its schemas: %w", err)
	}
	for i, path := range paths {
		switch {
		case problems[i] == nil:
			all = append(all, documents[i])
		case err == nil:
			err = problems[i]
			fallthrough
		default:
			notes = append(notes, fmt.Sprintf("the cluster does not give the schemas of %s, whose objects are not compared with one: %v", gvOf(path), explained(problems[i])))
		}
	}
	if len(all) == 0 {
		return nil, nil, fmt.Errorf("ask the cluster for its schemas: %w", explained(err))
	}
	return all, notes, nil
}

// ofKinds says whether a path is one of a group in one version: "api/v1", "apis/apps/v1".
func ofKinds(path string) bool {
	parts := strings.Split(path, "/")
	return parts[0] == "api" && len(parts) == 2 || parts[0] == "apis" && len(parts) == 3
}

func gvOf(path string) string {
	_, gv, _ := strings.Cut(path, "/")
	return gv
}

// rank puts Kubernetes' own groups before others, whose definitions may have the same
// names.
func rank(builtin func(string) bool, path string) int {
	group, _, ok := strings.Cut(gvOf(path), "/")
	if !ok || builtin(group) {
		return 0
	}
	return 1
}

// document reads one. What is named by its hash is kept.
func (c *Cluster) document(ctx context.Context, address string) (*openapi.Document, error) {
	key := ""
	if u, err := url.Parse(address); err == nil && u.Query().Get("hash") != "" && c.options.Kept != nil {
		sum := sha256.Sum256([]byte("openapi\n" + c.host + "\n" + address))
		key = hex.EncodeToString(sum[:])
		if text, ok := c.options.Kept.Get(key); ok {
			if doc, err := openapi.Parse(text); err == nil {
				return doc, nil
			}
		}
	}
	text, err := c.get(ctx, address)
	if err != nil {
		return nil, err
	}
	doc, err := openapi.Parse(text)
	if err == nil && key != "" {
		c.options.Kept.Put(key, text)
	}
	return doc, err
}

func (c *Cluster) get(ctx context.Context, address string) ([]byte, error) {
	return c.client.Get().RequestURI(address).SetHeader("Accept", "application/json").Do(ctx).Raw()
}
