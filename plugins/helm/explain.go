package helm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// documentsOf returns the documents of a YAML text up to the first that is none.
func documentsOf(text []byte) []*yaml.Node {
	documents, _ := parseYAML(text)
	return documents
}

func parseYAML(text []byte) (documents []*yaml.Node, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return documents, err
		}
		if len(n.Content) > 0 {
			documents = append(documents, n.Content[0])
		}
	}
}

var (
	// yamlProblem takes line and reason out of an error of a YAML library.
	yamlProblem = regexp.MustCompile(`yaml: (?:unmarshal errors:\s*)?(?:line (\d+): )?(.*)`)
	// ofParser are the reasons that come with the line before the one they mean.
	ofParser = regexp.MustCompile(`^did not find expected (node content|'-' indicator|key|',' or|<)`)
)

// problemOf returns the line, 0 if unknown, and the reason of an error of a YAML
// library.
func problemOf(err error) (line int, reason string, ok bool) {
	m := yamlProblem.FindStringSubmatch(err.Error())
	if m == nil {
		return 0, "", false
	}
	line, _ = strconv.Atoi(m[1])
	if line > 0 && ofParser.MatchString(m[2]) {
		line++
	}
	return line, m[2], true
}

// explainYAML says where in a file of values the mistake is. What helm says of it
// counts lines from the start of a document, not of the file.
func explainYAML(name string, text []byte, err error) error {
	documents, own := parseYAML(text)
	if own != nil {
		err = own
	}
	if own == nil {
		for _, d := range documents {
			if d.Kind != yaml.MappingNode && d.Tag != "!!null" {
				return fmt.Errorf("%s:%d: values must be a map at the top, as in \"key: value\"", name, d.Line)
			}
		}
	}
	line, reason, ok := problemOf(err)
	if !ok {
		return fmt.Errorf("%s: %w", name, err)
	}
	where := name
	hint := ""
	if strings.HasPrefix(reason, "invalid map key") { // and goes on to print it
		reason, line = "a key that is a map", templated(text)
	}
	if line > 0 {
		where = fmt.Sprintf("%s:%d", name, line)
	}
	if row := rowOf(text, line); bytes.Contains(row, []byte("{{")) || bytes.Contains(rowOf(text, line-1), []byte("{{")) {
		hint = "; values are no templates: \"{{\" has no meaning in them, unless in quotes and given to tpl"
	}
	return fmt.Errorf("%s: malformed YAML: %s%s", where, reason, hint)
}

// templated is the first line that looks like a template.
func templated(text []byte) int {
	before, _, ok := bytes.Cut(text, []byte("{{"))
	if !ok {
		return 0
	}
	return 1 + bytes.Count(before, []byte("\n"))
}

func rowOf(text []byte, line int) []byte {
	rows := bytes.Split(text, []byte("\n"))
	if line < 1 || line > len(rows) {
		return nil
	}
	return rows[line-1]
}

// cannotLoad is how helm names the file of a chart that it cannot read.
var cannotLoad = regexp.MustCompile(`^cannot load ([\w.]+): (.*)`)

// explainLoad says which file of a chart is wrong.
func explainLoad(files []*archive.BufferedFile, places map[string]string, at string, err error) error {
	text := err.Error()
	if m := cannotLoad.FindStringSubmatch(text); m != nil {
		for _, f := range files {
			if f.Name == m[1] {
				return explainYAML(places[f.Name], f.Data, errors.New(m[2]))
			}
		}
	}
	place, ok := places[chartFile]
	if !ok {
		return fmt.Errorf("%s: is no chart: it has no Chart.yaml", at)
	}
	text = strings.TrimPrefix(text, "validation: ")
	return fmt.Errorf("%s: %s", place, strings.TrimPrefix(text, "chart.metadata."))
}

// mismatch is what helm says of values for a dependency that are no map. It goes
// on to print them.
var mismatch = regexp.MustCompile(`type mismatch on ([^:]+):`)

// explainValues explains why values and charts do not fit.
func (r *rendering) explainValues(c *chart.Chart, err error) error {
	if m := mismatch.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("%s: the values under %q are those of the dependency of this name, and must be a map", r.setBy([]string{m[1]}), m[1])
	}
	return fmt.Errorf("%s: put the values of %s together: %w", path.Join(r.root, valuesFile), c.Name(), err)
}
