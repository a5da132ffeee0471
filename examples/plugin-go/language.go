package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A service is one paragraph of a file:
//
//	service web
//	  image nginx:1.27
//	  port 80
//	  replicas 2
type service struct {
	line           int
	name, image    string
	port, replicas int
}

var name = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`)

// parse reads a file. Its errors name file and line, and quote no values.
func parse(file, text string) ([]*service, error) {
	var all []*service
	for i, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		at := fmt.Sprintf("%s:%d", file, i+1)
		if len(words) != 2 {
			return nil, fmt.Errorf("%s: want a word and its value", at)
		}
		if words[0] == "service" {
			if !name.MatchString(words[1]) {
				return nil, fmt.Errorf("%s: the name of a service is lower case letters, digits and dashes", at)
			}
			all = append(all, &service{line: i + 1, name: words[1], replicas: 1})
			continue
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("%s: %s comes before the first service", at, words[0])
		}
		if err := all[len(all)-1].set(words[0], words[1]); err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
	}
	for _, s := range all {
		if s.image == "" {
			return nil, fmt.Errorf("%s:%d: service %s has no image", file, s.line, s.name)
		}
	}
	return all, nil
}

func (s *service) set(word, value string) (err error) {
	switch word {
	case "image":
		s.image = value
	case "port":
		s.port, err = number(word, value, 65535)
	case "replicas":
		s.replicas, err = number(word, value, 1000)
	default:
		return fmt.Errorf("unknown word %q: there are image, port, replicas and service", word)
	}
	return err
}

func number(word, value string, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("%s is a number from 0 to %d", word, most)
	}
	return n, nil
}

// manifests are the service's objects.
func (s *service) manifests(registry string) []byte {
	image := registry + "/" + s.image
	text := fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, labels: {app: %[1]s}}
spec:
  replicas: %[2]d
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      containers:
      - {name: %[1]s, image: %[3]q}
`, s.name, s.replicas, image)
	if s.port > 0 {
		text += fmt.Sprintf(`---
apiVersion: v1
kind: Service
metadata: {name: %[1]s, labels: {app: %[1]s}}
spec:
  selector: {app: %[1]s}
  ports: [{port: %[2]d}]
`, s.name, s.port)
	}
	return []byte(text)
}
