package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"k8s.io/client-go/util/jsonpath"
	"sigs.k8s.io/yaml"
)

// document reads what the last command has printed, which has to be one document
// and nothing else, and compares what JSONPaths give.
func (s *scene) document(args []string) error {
	value, err := readDocument(args[0], []byte(s.ts.ReadFile("stdout")))
	if err != nil {
		return err
	}
	pairs := args[1:]
	if len(pairs)%2 != 0 {
		return errors.New("give a REGEXP for each JSONPATH")
	}
	for ; len(pairs) > 0; pairs = pairs[2:] {
		path := jsonpath.New("document").AllowMissingKeys(true)
		pattern, err := regexp.Compile("^(" + pairs[1] + ")$")
		if err := errors.Join(err, path.Parse(pairs[0])); err != nil {
			return err
		}
		var found bytes.Buffer
		if err := path.Execute(&found, value); err != nil {
			return err
		}
		if !pattern.MatchString(found.String()) {
			return fmt.Errorf("%s is %q, which is not %s", pairs[0], found.String(), pattern)
		}
	}
	return nil
}

func readDocument(form string, text []byte) (value any, err error) {
	switch form {
	case "json":
	case "yaml":
		if json.Valid(text) {
			return nil, errors.New("this is JSON")
		}
		if text, err = yaml.YAMLToJSONStrict(text); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("%s: give json or yaml", form)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("there is more than one document: %w", err)
	}
	return value, nil
}
