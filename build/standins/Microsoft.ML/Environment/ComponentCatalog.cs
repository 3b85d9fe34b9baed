using System.Reflection;

namespace Microsoft.ML.Runtime;

public sealed class ComponentCatalog
{
    private readonly object _lock = new();
    private readonly HashSet<string> _assemblies = new();
    private readonly Dictionary<(Type Attribute, string Contract), object> _extensions = new();

    internal ComponentCatalog()
    {
    }

    public void RegisterAssembly(Assembly assembly, bool throwOnError = true)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        lock (_lock)
        {
            if (!_assemblies.Add(assembly.FullName))
                return;
            foreach (var type in assembly.GetTypes().Where(t => t is { IsClass: true, IsAbstract: false }))
                RegisterExtensions(type, throwOnError);
        }
    }

    internal object Extension(Type attribute, string contract)
    {
        lock (_lock)
        {
            return _extensions.TryGetValue((attribute, contract), out var found)
                ? found
                : throw new InvalidOperationException(
                    $"Unable to locate component of type '{attribute.Name}' with contract name '{contract}'");
        }
    }

    private void RegisterExtensions(Type type, bool throwOnError)
    {
        foreach (var attribute in type.GetCustomAttributes<ExtensionBaseAttribute>())
        {
            var key = (attribute.GetType(), attribute.ContractName);
            if (_extensions.TryGetValue(key, out var present))
            {
                if (present.GetType() == type || !throwOnError)
                    continue;
                throw new InvalidOperationException($"Contract name '{key.ContractName}' is taken by {present.GetType()} and {type}");
            }
            var constructor = type.GetConstructor(Type.EmptyTypes);
            if (constructor is not null)
                _extensions[key] = constructor.Invoke(null);
            else if (throwOnError)
                throw new InvalidOperationException($"{type} has no public constructor without parameters");
        }
    }
}
