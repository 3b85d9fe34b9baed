using System.Reflection;
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        // Holds parameters, buffers and other modules under names.
        public partial class Module : IDisposable
        {
            private readonly string _name;
            private readonly Named<Parameter> _parametersByName = new();
            private readonly Named<(Tensor Tensor, bool Persistent)> _buffersByName = new();
            private readonly Named<Module> _modulesByName = new();

            protected Module(string name) => _name = name;

            public virtual bool training { get; private set; } = true;

            public virtual string GetName() => _name;

            // Registers what the fields hold; call it at the end of the constructor.
            protected virtual void RegisterComponents()
            {
                foreach (var field in Fields())
                {
                    var name = field.ComponentName();
                    switch (field.GetValue(this))
                    {
                        case Module module: Replace(name, module); break;
                        case Parameter parameter: Replace(name, parameter); break;
                        case Tensor buffer: Replace(name, buffer); break;
                    }
                }
            }

            public virtual void register_parameter(string name, Parameter param)
            {
                CheckFree(name);
                _parametersByName[name] = param;
                param?.DetachFromDisposeScope();
            }

            public virtual void register_buffer(string name, Tensor tensor, bool persistent = true)
            {
                if (tensor is null)
                    throw new ArgumentNullException(nameof(tensor), "cannot register a null buffer");
                CheckFree(name);
                _buffersByName[name] = (tensor, persistent);
                tensor.DetachFromDisposeScope();
            }

            public virtual void register_module(string name, Module submodule)
            {
                if (name.Contains('.'))
                    throw new ArgumentException($"module name can't contain \".\", got: {name}");
                if (string.IsNullOrEmpty(name))
                    throw new ArgumentException("module name can't be empty string \"\"");
                CheckFree(name);
                _modulesByName[name] = submodule;
            }

            public virtual void add_module(string name, Module module) => register_module(name, module);

            protected void ConditionallyRegisterParameter(string name, Parameter value)
            {
                if (value is null)
                    _parametersByName.Remove(name);
                else
                    Replace(name, value);
            }

            private void Replace(string name, Module module)
            {
                _modulesByName.Remove(name);
                register_module(name, module);
            }

            private void Replace(string name, Parameter parameter)
            {
                _parametersByName.Remove(name);
                register_parameter(name, parameter);
            }

            private void Replace(string name, Tensor buffer)
            {
                _buffersByName.Remove(name);
                register_buffer(name, buffer);
            }

            internal void ForgetModules() => _modulesByName.Clear();

            private void CheckFree(string name)
            {
                if (_parametersByName.Contains(name) || _buffersByName.Contains(name) || _modulesByName.Contains(name))
                    throw new InvalidOperationException($"Tried to register a component under a name that is in use: {name}");
            }

            private FieldInfo[] Fields() =>
                GetType().GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);

            public virtual void train(bool train = true)
            {
                training = train;
                foreach (var module in children())
                    module.train(train);
            }

            public void eval() => train(false);

            public virtual void zero_grad(bool set_to_none = true)
            {
                foreach (var parameter in parameters())
                {
                    using var grad = parameter.grad;
                    if (grad is null)
                        continue;
                    if (set_to_none)
                        parameter.grad = null;
                    else
                        using (no_grad())
                            grad.zero_();
                }
            }

            public virtual Module apply(Action<Module> fn)
            {
                foreach (var module in children())
                    module.apply(fn);
                fn(this);
                return this;
            }

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
                if (!disposing)
                    return;
                foreach (var (_, parameter) in _parametersByName)
                    parameter?.Dispose();
                foreach (var (_, buffer) in _buffersByName)
                    buffer.Tensor.Dispose();
                foreach (var (_, module) in _modulesByName)
                    module?.Dispose();
            }
        }
    }
}
