using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

[AttributeUsage(AttributeTargets.Class)]
public sealed class CustomMappingFactoryAttributeAttribute : ExtensionBaseAttribute
{
    public CustomMappingFactoryAttributeAttribute(string contractName) : base(contractName)
    {
    }
}

internal interface ICustomMappingFactory
{
    ITransformer CreateTransformer(string contractName);
}

public abstract class CustomMappingFactory<TSrc, TDst> : ICustomMappingFactory
    where TSrc : class, new()
    where TDst : class, new()
{
    public abstract Action<TSrc, TDst> GetMapping();

    ITransformer ICustomMappingFactory.CreateTransformer(string contractName) =>
        new CustomMappingTransformer<TSrc, TDst>(GetMapping(), contractName, null, null);
}

/// <summary>Finds the class behind a contract name in the assembly that was named when the mapping was saved.</summary>
internal static class CustomMappingLoader
{
    public static ITransformer Load(ModelLoadContext ctx)
    {
        var contract = ctx.Reader.ReadString();
        var catalog = ctx.Environment.ComponentCatalog;
        catalog.RegisterAssembly(System.Reflection.Assembly.Load(ctx.Reader.ReadString()));
        return ((ICustomMappingFactory)catalog.Extension(typeof(CustomMappingFactoryAttributeAttribute), contract))
            .CreateTransformer(contract);
    }
}
