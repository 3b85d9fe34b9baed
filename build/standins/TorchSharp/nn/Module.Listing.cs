using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        // Walks over what is registered, own things first, and reads and writes it by name.
        public partial class Module
        {
            public virtual IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
            {
                var seen = new HashSet<IntPtr>();
                foreach (var (name, parameter) in AllParameters(recurse))
                    if (seen.Add(parameter.Handle))
                        yield return (name, parameter);
            }

            public virtual IEnumerable<Parameter> parameters(bool recurse = true) => named_parameters(recurse).Select(p => p.parameter);

            public virtual IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true)
            {
                var seen = new HashSet<IntPtr>();
                foreach (var (name, buffer) in AllBuffers(recurse))
                    if (seen.Add(buffer.Handle))
                        yield return (name, buffer);
            }

            public virtual IEnumerable<Tensor> buffers(bool recurse = true, bool include_nonpersistent = true) =>
                named_buffers(recurse, include_nonpersistent).Select(b => b.buffer);

            public virtual IEnumerable<(string name, Module module)> named_children() =>
                _modulesByName.Snapshot().Where(m => m.Value is not null).Select(m => (m.Name, m.Value));

            public virtual IEnumerable<Module> children() => named_children().Select(c => c.module);

            // Without the module itself.
            public virtual IEnumerable<(string name, Module module)> named_modules()
            {
                foreach (var (name, child) in named_children())
                {
                    yield return (name, child);
                    foreach (var (inner, module) in child.named_modules())
                        yield return ($"{name}.{inner}", module);
                }
            }

            public virtual IEnumerable<Module> modules() => named_modules().Select(m => m.module);

            public virtual bool has_parameter(string target) => get_parameter(target) is not null;

            public virtual bool has_buffer(string target) => get_buffer(target) is not null;

            public virtual Parameter get_parameter(string target)
            {
                if (target is null)
                    throw new ArgumentNullException(nameof(target));
                return Owner(ref target) is { } owner && owner._parametersByName.TryGet(target, out var parameter) ? parameter : null;
            }

            public virtual Tensor get_buffer(string target)
            {
                if (target is null)
                    throw new ArgumentNullException(nameof(target));
                return Owner(ref target) is { } owner && owner._buffersByName.TryGet(target, out var buffer) ? buffer.Tensor : null;
            }

            // The tensors themselves, not copies.
            public virtual Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor> destination = null, string prefix = null)
            {
                destination ??= [];
                foreach (var (name, parameter) in AllParameters(true))
                    destination.TryAdd(prefix is null ? name : $"{prefix}.{name}", parameter);
                foreach (var (name, buffer) in AllBuffers(true))
                    destination.TryAdd(prefix is null ? name : $"{prefix}.{name}", buffer);
                return destination;
            }

            // Copies with broadcasting and does not compare shapes.
            public virtual (IList<string> missing_keys, IList<string> unexpected_keyes) load_state_dict(
                Dictionary<string, Tensor> source, bool strict = true, IList<string> skip = null)
            {
                var own = state_dict();
                var missing = own.Keys.Where(k => !source.ContainsKey(k) && skip?.Contains(k) != true).ToList();
                var unexpected = source.Keys.Where(k => !own.ContainsKey(k) && skip?.Contains(k) != true).ToList();
                if (strict && (missing.Count > 0 || unexpected.Count > 0))
                    throw new InvalidOperationException("The loaded state_dict is not identical to the target dictionary.");
                using (no_grad())
                    foreach (var (name, tensor) in own)
                        if (source.TryGetValue(name, out var value) && skip?.Contains(name) != true)
                            tensor.copy_(value);
                return (missing, unexpected);
            }

            private IEnumerable<(string Name, Parameter Parameter)> AllParameters(bool recurse)
            {
                foreach (var (name, parameter) in _parametersByName.Snapshot())
                    if (parameter is not null)
                        yield return (name, parameter);
                if (!recurse)
                    yield break;
                foreach (var (child, module) in named_children())
                    foreach (var (name, parameter) in module.AllParameters(true))
                        yield return ($"{child}.{name}", parameter);
            }

            // A buffer that is not persistent is never listed.
            private IEnumerable<(string Name, Tensor Buffer)> AllBuffers(bool recurse)
            {
                foreach (var (name, buffer) in _buffersByName.Snapshot())
                    if (buffer.Persistent)
                        yield return (name, buffer.Tensor);
                if (!recurse)
                    yield break;
                foreach (var (child, module) in named_children())
                    foreach (var (name, buffer) in module.AllBuffers(true))
                        yield return ($"{child}.{name}", buffer);
            }

            private Module Owner(ref string target)
            {
                var owner = this;
                for (int dot; owner is not null && (dot = target.IndexOf('.', StringComparison.Ordinal)) >= 0; target = target[(dot + 1)..])
                    owner = owner._modulesByName.TryGet(target[..dot], out var child) ? child : null;
                return owner;
            }
        }
    }
}
