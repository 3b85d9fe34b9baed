using System.Reflection;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Language;

/// <summary>Replaces transformers, also in nested chains.</summary>
internal static class TransformerTree
{
    private static readonly TransformerScope[] _flags = [TransformerScope.Training, TransformerScope.Testing, TransformerScope.Scoring];

    /// <summary>
    /// Replaces the transformers for which <paramref name="replacement"/> returns another one. A chain without any is returned unchanged; a
    /// changed chain keeps its scopes and becomes a TransformerChain of ITransformer, which is also what ML.NET loads.
    /// </summary>
    public static ITransformer Replace(ITransformer transformer, Func<ITransformer, ITransformer?> replacement)
    {
        if (replacement(transformer) is { } other)
            return other;
        Type type = transformer.GetType();
        if (!type.IsGenericType || type.GetGenericTypeDefinition() != typeof(TransformerChain<>))
            return transformer;

        ITransformer[] parts = [.. (IEnumerable<ITransformer>)transformer];
        ITransformer[] replaced = Array.ConvertAll(parts, part => Replace(part, replacement));
        return replaced.SequenceEqual<ITransformer>(parts, ReferenceEqualityComparer.Instance)
            ? transformer
            : new TransformerChain<ITransformer>(replaced, Scopes(transformer, parts));
    }

    /// <summary>
    /// Finds the scopes of a chain's parts. A chain reveals them only by the parts that it returns for each scope. If a transformer occurs
    /// twice in a chain with different scopes, its first occurrence may get the scope of the second.
    /// </summary>
    private static TransformerScope[] Scopes(ITransformer chain, ITransformer[] parts)
    {
        var scopes = new TransformerScope[parts.Length];
        MethodInfo keep = chain.GetType().GetMethod(nameof(TransformerChain<ITransformer>.GetModelFor))!;
        foreach (TransformerScope flag in _flags)
        {
            var kept = (IEnumerable<ITransformer>)keep.Invoke(chain, [flag])!;
            int place = 0;
            foreach (ITransformer part in kept)
            {
                place = Array.FindIndex(parts, place, other => ReferenceEquals(other, part));
                scopes[place++] |= flag;
            }
        }
        return scopes;
    }
}
