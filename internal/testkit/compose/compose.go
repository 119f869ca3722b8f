// Package compose reads docker-compose.yml, so that tests can check it and start its
// services without containers.
package compose

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// Load reads the docker-compose.yml of a folder as `docker compose` does, with the
// variables and the profiles; "*" is all profiles. It returns an error if the file
// violates the schema of the Compose specification.
func Load(ctx context.Context, folder string, variables map[string]string, profiles ...string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{filepath.Join(folder, "docker-compose.yml")})
	if err != nil {
		return nil, err
	}
	options.Environment = maps.Clone(variables) // the loader adds to it
	if err := cli.WithProfiles(profiles)(options); err != nil {
		return nil, err
	}
	return options.LoadProject(ctx)
}

// Environment gives the environment of a service without variables that have no value.
func Environment(service types.ServiceConfig) map[string]string {
	environment := map[string]string{}
	for name, value := range service.Environment {
		if value != nil {
			environment[name] = *value
		}
	}
	return environment
}

// HostPath gives the path on the host of a path inside a service's container.
func HostPath(service types.ServiceConfig, path string) (string, error) {
	for _, volume := range service.Volumes {
		if rest, inside := strings.CutPrefix(path, volume.Target+"/"); inside && volume.Type == types.VolumeTypeBind {
			return filepath.Join(volume.Source, rest), nil
		}
	}
	return "", fmt.Errorf("%s mounts nothing at %s", service.Name, path)
}
