package installed

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A duration is written as Go writes it: 90s, 2m.
type duration time.Duration

// UnmarshalYAML is yaml's.
func (d *duration) UnmarshalYAML(node *yaml.Node) error {
	n, err := time.ParseDuration(node.Value)
	if err != nil || n <= 0 {
		return fmt.Errorf("want a time such as 90s or 2m, not %q", node.Value)
	}
	*d = duration(n)
	return nil
}

// A size is a number of bytes: 67108864, 64MiB, 1GiB, and 64Mi as in Kubernetes.
type size int64

var units = map[string]int64{"": 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}

// UnmarshalYAML is yaml's.
func (s *size) UnmarshalYAML(node *yaml.Node) error {
	text := strings.TrimSuffix(node.Value, "B")
	digits := strings.TrimRight(text, "KMGi")
	unit, known := units[text[len(digits):]]
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
	if err == nil && n > math.MaxInt64/max(unit, 1) {
		err = errors.New("too large")
	}
	if err != nil || !known || n <= 0 {
		return fmt.Errorf("want a number of bytes such as 64MiB, not %q", node.Value)
	}
	*s = size(n * unit)
	return nil
}
