using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Schemes;
using Microsoft.ML.Reversible.Stack;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>
/// Self-attention: softmax(Q Kᵀ / √d + mask) V of every head, then a matrix product. Groups of query heads may share a head of keys and
/// values. In a <see cref="CachePass"/> the pass decides what a token attends to; in a <see cref="TrainingContext"/> with documents, a
/// token attends to those of its own.
/// </summary>
internal sealed class Attention : NamedModule, IContextFunction
{
    private readonly Linear _queryKeyValue;
    private readonly RmsNorm? _queryNorm;
    private readonly RmsNorm? _keyNorm;
    private readonly Linear _output;
    private readonly RotaryEmbedding? _rotary;
    private readonly int _heads;
    private readonly int _keyValueHeads;
    private readonly int _headSize;
    private readonly bool _causal;

    /// <summary>Makes the module.</summary>
    /// <param name="queryKeyValue">Computes the queries of all heads, then the keys, then the values.</param>
    /// <param name="output">The matrix product over the results of all heads.</param>
    /// <param name="heads">Number of query heads.</param>
    /// <param name="keyValueHeads">Number of heads of keys and values; it divides the number of query heads.</param>
    /// <param name="headSize">d.</param>
    /// <param name="rotary">Rotates queries and keys by their positions; null where positions are added elsewhere.</param>
    /// <param name="norms">
    /// The norms of queries and of keys before they are rotated, over each head or over all of them; null for none.
    /// </param>
    /// <param name="causal">Whether a token attends only to itself and to those before it.</param>
    public Attention(
        Linear queryKeyValue, Linear output, int heads, int keyValueHeads, int headSize, RotaryEmbedding? rotary = null,
        (RmsNorm Query, RmsNorm Key)? norms = null, bool causal = true)
        : base(nameof(Attention))
    {
        (_queryKeyValue, _output, _rotary) = (queryKeyValue, output, rotary);
        (_queryNorm, _keyNorm) = (norms?.Query, norms?.Key);
        (_heads, _keyValueHeads, _headSize, _causal) = (heads, keyValueHeads, headSize, causal);
        RegisterComponents();
    }

    /// <summary>How far back a token attends, and how large scores may be.</summary>
    public AttentionLimits Limits { get; init; }

    /// <summary>The factor of the queries, so that scores are other multiples of Q Kᵀ than 1 / √d.</summary>
    public double QueryFactor { get; init; } = 1;

    public override Tensor forward(Tensor input) => Forward(input, null);

    /// <inheritdoc/>
    public Tensor Forward(Tensor input, EvaluationContext? context)
    {
        using var scope = NewDisposeScope();
        var training = context as TrainingContext;
        Tensor joined = _queryKeyValue.At(input, context).view(input.shape[0], input.shape[1], -1, _headSize);
        IReadOnlyList<AttentionDropout>? dropout = training?.DropAttention();
        // The groups of documents share the graph of their queries, keys and values.
        using IDisposable? group = training?.Documents is null ? null : GraphCuts.Current?.Group();
        Tensor mixed = training?.Documents is { } documents
            ? documents.ForEach(joined, (tokens, same) => Mix(tokens, lengths: same.Lengths, dropout: dropout?[same.Index]))
            : Mix(joined, context as CachePass, dropout: dropout?[0]);
        return _output.At(mixed, context).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override IEnumerable<NamedWeight> Weights() =>
        [.. _queryKeyValue.Weights(), .. _queryNorm?.Weights() ?? [], .. _keyNorm?.Weights() ?? [], .. _output.Weights()];

    /// <summary>Computes the attention of sequences, before the last matrix product.</summary>
    /// <param name="joined">Queries, keys and values, of shape [batch, tokens, heads, d].</param>
    /// <param name="pass">The pass that decides what a token attends to; null for whole sequences.</param>
    /// <param name="lengths">The number of tokens of each row's sequence; null where the pass knows it, or all fill their row.</param>
    /// <param name="dropout">Drops weights; null for none.</param>
    /// <returns>A tensor of shape [batch, tokens, heads * d].</returns>
    private Tensor Mix(
        Tensor joined, CachePass? pass = null, IReadOnlyList<int>? lengths = null, AttentionDropout? dropout = null)
    {
        (Tensor query, Tensor key, Tensor value) = Split(joined, pass?.Positions, lengths ?? pass?.Lengths);
        if (QueryFactor != 1) query = query * QueryFactor;
        Tensor mixed = pass?.Attend(query, key, value, Limits)
            ?? DotProductAttention.Of(query, ForEachQuery(key), ForEachQuery(value), _causal, Limits, dropout);
        return mixed.transpose(1, 2).reshape(joined.shape[0], joined.shape[1], (long)_heads * _headSize);
    }

    /// <summary>Takes [batch, tokens, heads, d] apart into queries, keys and values of shape [batch, heads, tokens, d].</summary>
    private (Tensor Query, Tensor Key, Tensor Value) Split(Tensor joined, Tensor? positions, IReadOnlyList<int>? lengths)
    {
        if (_rotary is null && _queryNorm is null)
        {
            // One split, so that the gradients are joined without another copy.
            Tensor[] parts = joined.split([_heads, _keyValueHeads, _keyValueHeads], 2);
            return (parts[0].transpose(1, 2), parts[1].transpose(1, 2), parts[2].transpose(1, 2));
        }
        Tensor queryKey = _queryNorm is null || _keyNorm is null
            ? joined.narrow(2, 0, _heads + _keyValueHeads)
            : cat([Normed(_queryNorm, joined.narrow(2, 0, _heads)), Normed(_keyNorm, joined.narrow(2, _heads, _keyValueHeads))], 2);
        Tensor rotated = _rotary?.Rotate(queryKey, positions, lengths) ?? queryKey;
        return (
            rotated.narrow(2, 0, _heads).transpose(1, 2),
            rotated.narrow(2, _heads, _keyValueHeads).transpose(1, 2),
            joined.narrow(2, _heads + _keyValueHeads, _keyValueHeads).transpose(1, 2));
    }

    /// <summary>Applies a norm whose width is that of one head or of all heads.</summary>
    private static Tensor Normed(RmsNorm norm, Tensor x) =>
        norm.call(x.reshape(x.shape[0], x.shape[1], -1, norm.Width)).view(x.shape);

    /// <summary>Repeats each head of keys or values for the group of query heads that shares it.</summary>
    private Tensor ForEachQuery(Tensor x)
    {
        long group = _heads / _keyValueHeads;
        if (group == 1) return x;
        long batch = x.shape[0], heads = x.shape[1], tokens = x.shape[2], size = x.shape[3];
        return x.unsqueeze(2).expand(batch, heads, group, tokens, size).reshape(batch, heads * group, tokens, size);
    }
}

/// <summary>Limits of attention; the default is none.</summary>
/// <param name="Window">The most tokens that a token attends to, itself and those before it; null for all of them.</param>
/// <param name="Cap">The <see cref="SoftCap"/> of the scores; null for none.</param>
internal readonly record struct AttentionLimits(int? Window = null, double? Cap = null);

/// <summary>
/// Computes softmax(Q Kᵀ / √d + mask) V. Queries, keys and values are of shape [batch, heads, tokens, d], in the same type.
/// </summary>
internal static class DotProductAttention
{
    /// <summary>Number of queries that are computed together within a window: all need about the same keys.</summary>
    private const long WindowQueries = 512;

    /// <summary>
    /// Chooses how attention is computed: where a pass must repeat to the bit, by <see cref="OrderedAttention"/>; where gradients are
    /// differentiated, scores are capped or weights are dropped, by <see cref="ComposedAttention"/>; else by libtorch's fused kernels.
    /// </summary>
    /// <param name="query">Q.</param>
    /// <param name="key">K.</param>
    /// <param name="value">V.</param>
    /// <param name="causal">Whether a token attends only to itself and to those before it.</param>
    /// <param name="limits">The window, which needs <paramref name="causal"/>, and the cap.</param>
    /// <param name="dropout">Drops weights; null for none.</param>
    /// <returns>A tensor of the same shape, in the caller's dispose scope.</returns>
    public static Tensor Of(
        Tensor query, Tensor key, Tensor value, bool causal = true, AttentionLimits limits = default, AttentionDropout? dropout = null)
    {
        long tokens = query.shape[2], window = Math.Min(limits.Window ?? tokens, tokens);
        if (causal && (window < tokens || limits.Cap is not null)) return InWindow(query, key, value, window, limits.Cap, dropout);
        if (ComposedAttention.IsInUse || limits.Cap is not null || dropout is not null)
            return ComposedAttention.Of(query, key, value, causal, limits.Cap, dropout);
        return query.device_type == DeviceType.CUDA && GraphCuts.Current is { } cuts
            ? cuts.Apply(OrderedAttention.Of(causal), query, key, value)
            : nn.functional.scaled_dot_product_attention(query, key, value, is_casual: causal);
    }

    /// <summary>Computes attention with a mask.</summary>
    /// <param name="query">Q; it may have another number of tokens than K and V.</param>
    /// <param name="key">K.</param>
    /// <param name="value">V.</param>
    /// <param name="mask">
    /// Boolean, true where a query attends to a key, or what is added to the scores, in the type of the queries; null for all keys.
    /// </param>
    /// <param name="cap">The soft cap of the scores; null for none.</param>
    /// <returns>A tensor of the query's shape, in the caller's dispose scope.</returns>
    public static Tensor Masked(Tensor query, Tensor key, Tensor value, Tensor? mask, double? cap)
    {
        // The fused kernels that take a mask add up gradients in varying order on CUDA.
        bool ordered = query.device_type == DeviceType.CUDA && GraphCuts.Current is not null;
        return cap is null && !ordered && !ComposedAttention.IsInUse
            ? nn.functional.scaled_dot_product_attention(query, key, value, attn_mask: mask)
            : ComposedAttention.Masked(query, key, value, mask, cap);
    }

    /// <summary>Returns which keys of a range some queries attend to: Boolean, of shape [queries, keys], in the caller's scope.</summary>
    /// <param name="firstQuery">The position of the first query.</param>
    /// <param name="queries">Number of queries.</param>
    /// <param name="firstKey">The position of the first key.</param>
    /// <param name="keys">Number of keys.</param>
    /// <param name="window">The window.</param>
    /// <param name="device">The device.</param>
    private static Tensor WindowMask(long firstQuery, long queries, long firstKey, long keys, long window, Device device)
    {
        using var scope = NewDisposeScope();
        Tensor back = arange(firstQuery, firstQuery + queries, dtype: ScalarType.Int64, device: device).unsqueeze(1)
            - arange(firstKey, firstKey + keys, dtype: ScalarType.Int64, device: device);
        return back.ge(0).logical_and_(back.lt(window)).MoveToOuterDisposeScope();
    }

    /// <summary>Computes causal attention within a window, for some queries after the other, with the keys that these need.</summary>
    private static Tensor InWindow(Tensor query, Tensor key, Tensor value, long window, double? cap, AttentionDropout? dropout)
    {
        using var scope = NewDisposeScope();
        long tokens = query.shape[2];
        var parts = new List<Tensor>();
        for (long start = 0; start < tokens; start += WindowQueries)
        {
            long count = Math.Min(WindowQueries, tokens - start), first = Math.Max(0, start - window + 1), keys = start + count - first;
            Tensor mask = WindowMask(start, count, first, keys, window, query.device);
            (Tensor q, Tensor k, Tensor v) = (query.narrow(2, start, count), key.narrow(2, first, keys), value.narrow(2, first, keys));
            parts.Add(dropout is null
                ? Masked(q, k, v, mask, cap)
                : ComposedAttention.Masked(q, k, v, mask, cap, weights => dropout.Of(weights, start, first)));
        }
        return (parts.Count == 1 ? parts[0] : cat(parts, 2)).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// Attention as plain operations, whose gradient can be differentiated once more; that of libtorch's fused kernels cannot. Nor do these
/// take the masks of dropout: they draw their own, other ones on each device. It stores the scores of all pairs of tokens.
/// </summary>
internal static class ComposedAttention
{
    [ThreadStatic]
    private static int _uses;

    /// <summary>Whether <see cref="DotProductAttention"/> is computed this way on this thread.</summary>
    public static bool IsInUse => _uses > 0;

    /// <summary>Has attention computed this way on this thread until the result is disposed of.</summary>
    public static IDisposable Use() => new Usage();

    /// <summary>Computes attention over whole sequences.</summary>
    /// <param name="query">Q.</param>
    /// <param name="key">K.</param>
    /// <param name="value">V.</param>
    /// <param name="causal">Whether a token attends only to itself and to those before it.</param>
    /// <param name="cap">The soft cap of the scores; null for none.</param>
    /// <param name="dropout">Drops weights; null for none.</param>
    public static Tensor Of(
        Tensor query, Tensor key, Tensor value, bool causal = true, double? cap = null, AttentionDropout? dropout = null)
    {
        using var scope = NewDisposeScope();
        long tokens = query.shape[2];
        Tensor? mask = causal ? ones([tokens, tokens], dtype: ScalarType.Bool, device: query.device).tril() : null;
        return Masked(query, key, value, mask, cap, dropout is null ? null : weights => dropout.Of(weights, 0, 0))
            .MoveToOuterDisposeScope();
    }

    /// <inheritdoc cref="DotProductAttention.Masked"/>
    /// <param name="query">Q; it may have another number of tokens than K and V.</param>
    /// <param name="key">K.</param>
    /// <param name="value">V.</param>
    /// <param name="mask">The mask; null for all keys.</param>
    /// <param name="cap">The soft cap of the scores; null for none.</param>
    /// <param name="drop">Drops weights, of shape [batch, heads, queries, keys]; null for none.</param>
    public static Tensor Masked(
        Tensor query, Tensor key, Tensor value, Tensor? mask, double? cap, Func<Tensor, Tensor>? drop = null)
    {
        using var scope = NewDisposeScope();
        Tensor scores = query.matmul(key.transpose(2, 3)) / Math.Sqrt(query.shape[3]);
        if (cap is { } most) scores = SoftCap.Of(scores, most);
        if (mask is not null)
            scores = mask.dtype == ScalarType.Bool
                ? scores.masked_fill(mask.logical_not(), double.NegativeInfinity)
                : scores + mask;
        Tensor weights = scores.softmax(-1);
        if (drop is not null) weights = drop(weights);
        return weights.matmul(value).MoveToOuterDisposeScope();
    }

    private sealed class Usage : IDisposable
    {
        public Usage() => _uses++;

        public void Dispose() => _uses--;
    }
}

/// <summary>
/// Attention on CUDA whose gradients have the same bits every time. The kernels that libtorch prefers add the parts of the queries'
/// gradient atomically, in any order; its memory-efficient one adds them in order where the keys of a head are not split among blocks of
/// threads, which TorchSharp has no argument for.
/// </summary>
internal sealed class OrderedAttention : ICutFunction
{
    /// <summary>The size of a bfloat16 vector of 16 bytes.</summary>
    private const int HeadSizeMultiple = 8;

    private static readonly OrderedAttention _causal = new(maskType: 1);
    private static readonly OrderedAttention _full = new(maskType: 0);

    private readonly ScriptFunction _forward;
    private readonly ScriptFunction _backward;

    private OrderedAttention(int maskType)
    {
        _forward = new(
            "ordered_attention",
            $"""
            def ordered_attention(query, key, value):
                out, logsumexp, seed, offset, queries, keys = torch._efficient_attention_forward(
                    query, key, value, None, None, None, None, None, 0.0, {maskType}, True)
                return out, logsumexp, seed, offset
            """);
        _backward = new(
            "ordered_attention_backward",
            $"""
            def ordered_attention_backward(gradient, query, key, value, out, logsumexp, seed, offset):
                of_query, of_key, of_value, of_bias = torch._efficient_attention_backward(
                    gradient, query, key, value, None, out, None, None, query.size(1), key.size(1), logsumexp, 0.0, seed, offset,
                    {maskType}, False, num_splits_key=1)
                return of_query, of_key, of_value
            """);
    }

    /// <summary>Returns the causal function, or the one in which every token attends to all.</summary>
    public static OrderedAttention Of(bool causal) => causal ? _causal : _full;

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">There is no such kernel, or none for heads of this size.</exception>
    public Tensor[] Forward(Tensor[] inputs)
    {
        long size = inputs[0].shape[^1];
        if (size % HeadSizeMultiple != 0)
            throw new NotSupportedException(
                $"Deterministic attention on CUDA needs heads whose size is a multiple of {HeadSizeMultiple}; these have {size}. "
                + "Set Deterministic to false, or Width and HeadCount otherwise.");
        if (_forward.TryInvokeMany([.. inputs.Select(TokensFirst)]) is not [var mixed, .. var kept]) throw Missing();
        return [TokensFirst(mixed), .. kept];
    }

    /// <inheritdoc/>
    public Tensor[] Backward(Tensor gradient, Tensor[] inputs, Tensor[] results)
    {
        Tensor[] arguments = [TokensFirst(gradient), .. inputs.Select(TokensFirst), TokensFirst(results[0]), .. results[1..]];
        Tensor[] gradients = _backward.TryInvokeMany([.. arguments]) ?? throw Missing();
        return [.. gradients.Select(TokensFirst)];
    }

    private static NotSupportedException Missing() =>
        new("This libtorch has no kernel for deterministic attention on this device. Set Deterministic to false.");

    /// <summary>Converts between [batch, heads, tokens, d] and the kernel's [batch, tokens, heads, d].</summary>
    private static Tensor TokensFirst(Tensor x) => x.transpose(1, 2);
}
