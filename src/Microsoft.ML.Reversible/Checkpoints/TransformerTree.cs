using System.Reflection;
using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>Puts transformers in the places of others, in chains of chains too.</summary>
internal static class TransformerTree
{
    private static readonly TransformerScope[] _flags = [TransformerScope.Training, TransformerScope.Testing, TransformerScope.Scoring];

    /// <summary>
    /// Replaces what <paramref name="replacement"/> gives something for. What holds none of that is returned as it is; a chain that
    /// changes comes back with its scopes as one whose last transformer is of no particular type, which is how ML.NET loads chains too.
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
    /// A chain shows its scopes only by what it keeps of itself for each of them. Where one transformer stands twice in a chain, under
    /// different scopes, the first place gets what either of them may have.
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
