package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"sigs.k8s.io/yaml"
)

// An index is what a Helm repository has, reduced to what finds a chart.
type index map[string][]release

// A release is one version of a chart in an index.
type release struct {
	Version string   `json:"version"`
	URLs    []string `json:"urls"`
	Digest  string   `json:"digest"` // of the archive, in hex
}

// maxWhole bounds what is parsed in one piece. Parsing YAML takes about forty
// times its size in memory, so a large index is parsed chart by chart.
const maxWhole = 4 << 20

var errIndex = errors.New("the index cannot be read")

// parseIndex reads an index.yaml, which may be JSON.
func parseIndex(data []byte) (index, error) {
	if trimmed := bytes.TrimSpace(data); bytes.HasPrefix(trimmed, []byte("{")) {
		return parseJSONIndex(trimmed)
	}
	if charts, ok := splitIndex(data); ok {
		if found, err := parseCharts(charts); err == nil {
			return found, nil
		}
	}
	if len(data) > maxWhole {
		return nil, fmt.Errorf("%w: it is large, and not laid out as helm repo index does it", errIndex)
	}
	return parseYAMLIndex(data)
}

// entries is the part of an index that counts.
type entries struct {
	Entries map[string][]release `json:"entries"`
}

func parseJSONIndex(data []byte) (index, error) {
	var all entries
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("%w: %w", errIndex, err)
	}
	return all.index()
}

func parseYAMLIndex(data []byte) (index, error) {
	var all entries
	if err := yaml.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("%w: %w", errIndex, err)
	}
	return all.index()
}

// index refuses what is no index, such as a page that says that all is well.
func (e entries) index() (index, error) {
	if e.Entries == nil {
		return nil, fmt.Errorf("%w: it has no entries", errIndex)
	}
	return index(e.Entries), nil
}

func parseCharts(charts [][]byte) (index, error) {
	all := index{}
	for _, chart := range charts {
		if len(chart) > maxWhole {
			return nil, errIndex
		}
		var found map[string][]release
		if err := yaml.Unmarshal(chart, &found); err != nil {
			return nil, err
		}
		if len(found) != 1 {
			return nil, errIndex
		}
		for name, releases := range found {
			if _, twice := all[name]; twice {
				return nil, errIndex
			}
			all[name] = releases
		}
	}
	return all, nil
}
