using Microsoft.ML.Reversible.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>
/// Computes log-likelihoods and embeddings of whole texts, many at a time. Each token is predicted once: the first from the token for an
/// empty context, the others from the tokens before them in their window. An embedding is the output of the final norm at the text's last
/// token, or its mean over the text's tokens; for a text without tokens, at the token for an empty context.
/// </summary>
/// <remarks>
/// A text longer than the context is split into consecutive windows. Each begins with the last token of the previous one; the last window
/// begins earlier, so that it is full. This is the rolling log-likelihood of lm-evaluation-harness.
/// Windows are padded to the longest of their batch. No token attends to the padding, so a text's result is the same as alone, within
/// rounding.
/// </remarks>
/// <param name="model">The model.</param>
/// <param name="pooling">How an embedding is made of the tokens' hidden states; null computes no embeddings.</param>
/// <param name="scores">Whether log-likelihoods are computed; if not, they are 0.</param>
/// <param name="batchTokens">The maximum number of tokens in a batch, including padding; null chooses by the device.</param>
internal sealed class TextScorer(LanguageModel model, EmbeddingPooling? pooling = null, bool scores = true, int? batchTokens = null)
    : ITextScorer
{
    /// <summary>A window over the text's tokens, which are preceded by the token for an empty context.</summary>
    /// <param name="Start">The index of the first input.</param>
    /// <param name="Length">The number of inputs.</param>
    /// <param name="Scored">The number of targets, the last ones, that this window scores. Earlier windows have scored the others.</param>
    internal readonly record struct Window(int Start, int Length, int Scored);

    /// <summary>A window of one of several texts.</summary>
    /// <param name="Text">The index of the text.</param>
    /// <param name="Start">The index of the first input.</param>
    /// <param name="Length">The number of inputs.</param>
    /// <param name="ScoredFrom">The index of the first input whose target is scored.</param>
    /// <param name="ScoredTo">The index after the last input whose target is scored.</param>
    /// <param name="PooledFrom">The index of the first input whose hidden state is pooled. All after it are.</param>
    private readonly record struct Part(int Text, int Start, int Length, int ScoredFrom, int ScoredTo, int PooledFrom)
    {
        public int End => Start + Length;
    }

    private int Context => model.Network.Configuration.ContextLength;

    /// <inheritdoc/>
    public TextScore Score(ReadOnlySpan<char> text) => Score([RowOf(Encode(text))])[0];

    /// <summary>Returns the ids of a text.</summary>
    public int[] Encode(ReadOnlySpan<char> text)
    {
        model.ThrowIfDisposed();
        return model.Tokenizer.Encode(text);
    }

    /// <summary>Returns the ids after comparing them with the vocabulary.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is outside the model's vocabulary.</exception>
    public int[] Checked(long[] ids)
    {
        model.ThrowIfDisposed();
        int size = model.Network.Configuration.VocabularySize, outside = Array.FindIndex(ids, id => (ulong)id >= (ulong)size);
        return outside < 0
            ? Array.ConvertAll(ids, id => (int)id)
            : throw new ArgumentOutOfRangeException(
                nameof(ids), ids[outside], $"The id {ids[outside]} is outside the model's vocabulary, whose ids are 0 to {size - 1}.");
    }

    /// <summary>Returns the row of a text, whose tokens follow the token for an empty context.</summary>
    public ScoredRow RowOf(int[] ids) => new([model.PrefixId, .. ids]);

    /// <summary>Computes the values of texts.</summary>
    /// <param name="texts">The tokens of each text.</param>
    /// <exception cref="InvalidOperationException">The model's logits or hidden states are not finite.</exception>
    public TextScore[] Score(IReadOnlyList<ScoredRow> texts)
    {
        model.ThrowIfDisposed();
        var sums = new double[texts.Count];
        float[][]? embeddings = pooling is null ? null : [.. texts.Select(_ => new float[model.Network.Configuration.Width])];
        if (model.Network.Device.type == DeviceType.CPU) KeptMemory.MakeReady();
        Part[] parts = [.. texts.SelectMany((row, text) => Parts(text, row)).OrderByDescending(part => part.Length)];
        int most = batchTokens ?? LogLikelihoodScorer.BatchTokensOn(model.Network.Device);
        for (int first = 0, count; first < parts.Length; first += count)
        {
            count = Math.Clamp(most / parts[first].Length, 1, parts.Length - first);
            Run(parts.AsSpan(first, count), texts, sums, embeddings);
        }
        return
        [
            .. texts.Select((row, text) => new TextScore(
                (float)sums[text], row.ScoredCount, (float)Math.Exp(-sums[text] / Math.Max(1, row.ScoredCount)), embeddings?[text])),
        ];
    }

    /// <summary>Returns the windows that score each of <paramref name="count"/> tokens once. All have the same length.</summary>
    internal static IEnumerable<Window> Windows(int count, int context)
    {
        for (int done = 0; done < count; done += context)
        {
            int scored = Math.Min(context, count - done);
            int start = Math.Max(0, done + scored - context);
            yield return new(start, done + scored - start, scored);
        }
    }

    /// <summary>
    /// Returns the windows of a text. The hidden state after the last token takes one input more than the log-likelihood.
    /// </summary>
    private IEnumerable<Part> Parts(int text, ScoredRow row)
    {
        int tokens = row.Ids.Length - 1;
        int firstPooled = pooling == EmbeddingPooling.Last ? tokens : Math.Min(1, tokens);
        if (pooling is not null && tokens < Math.Min(Context, model.Network.Configuration.FixedLength ?? Context))
        {
            yield return new(text, 0, tokens + 1, 0, scores ? tokens : 0, firstPooled);
            yield break;
        }
        foreach (Window window in scores ? Windows(tokens, Context) : [])
        {
            int end = window.Start + window.Length, from = end - window.Scored;
            while (from < end && !row.IsScored(from + 1)) from++;
            if (from < end) yield return new(text, window.Start, window.Length, from, end, end);
        }
        foreach (Window window in pooling is null ? [] : Windows(tokens + 1, Context))
        {
            int end = window.Start + window.Length, from = Math.Max(firstPooled, end - window.Scored);
            if (from < end) yield return new(text, window.Start, window.Length, end, end, from);
        }
    }

    /// <summary>Evaluates windows together, the longest first, and adds their results to those of their texts.</summary>
    private void Run(ReadOnlySpan<Part> parts, IReadOnlyList<ScoredRow> texts, double[] sums, float[][]? embeddings)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        LanguageNetwork network = model.Network;
        int length = parts[0].Length;
        var ids = new long[parts.Length * length];
        for (int row = 0; row < parts.Length; row++)
        {
            // The padding repeats the row's last token, so that exact hidden states stay in range.
            for (int i = 0; i < length; i++)
                ids[row * length + i] = texts[parts[row].Text].Ids[parts[row].Start + Math.Min(i, parts[row].Length - 1)];
        }
        int[] lengths = new int[parts.Length];
        for (int row = 0; row < parts.Length; row++) lengths[row] = parts[row].Length;
        using var pass = new TreePass(lengths);
        Tensor states = network.FinalNorm(network.Stack.Evaluate(
            network.Embed(tensor(ids, [parts.Length, length], device: network.Device)), pass));
        if (scores) AddLogLikelihoods(states.flatten(0, 1), parts, length, texts, sums);
        if (embeddings is not null) AddEmbeddings(states, parts, length, texts, embeddings);
    }

    private void AddLogLikelihoods(Tensor states, ReadOnlySpan<Part> parts, int length, IReadOnlyList<ScoredRow> texts, double[] sums)
    {
        List<long> slots = [], targets = [];
        List<int> owners = [];
        for (int row = 0; row < parts.Length; row++)
        {
            for (int i = parts[row].ScoredFrom; i < parts[row].ScoredTo; i++)
            {
                if (!texts[parts[row].Text].IsScored(i + 1)) continue;
                slots.Add((long)row * length + i - parts[row].Start);
                targets.Add(texts[parts[row].Text].Ids[i + 1]);
                owners.Add(parts[row].Text);
            }
        }
        if (slots.Count == 0) return;
        Device device = model.Network.Device;
        using Tensor each = ChunkedCrossEntropy.LogLikelihood(
            states.index_select(0, tensor(slots.ToArray(), device: device)), model.Network.HeadWeight,
            tensor(targets.ToArray(), device: device), model.Network.Compute, cap: model.Network.Configuration.LogitCap).cpu();
        using var values = each.data<float>();
        for (int i = 0; i < owners.Count; i++)
        {
            if (float.IsNaN(values[i])) throw LogLikelihoodScorer.NotFinite();
            sums[owners[i]] += values[i];
        }
    }

    /// <summary>
    /// Adds each window's share of its text's embedding: a weighted sum of hidden states, by a product, which is deterministic.
    /// </summary>
    private void AddEmbeddings(Tensor states, ReadOnlySpan<Part> parts, int length, IReadOnlyList<ScoredRow> texts, float[][] embeddings)
    {
        var weights = new float[parts.Length * length];
        for (int row = 0; row < parts.Length; row++)
        {
            int tokens = texts[parts[row].Text].Ids.Length - 1;
            float weight = pooling == EmbeddingPooling.Last ? 1 : 1f / Math.Max(1, tokens);
            for (int i = parts[row].PooledFrom; i < parts[row].End; i++) weights[row * length + i - parts[row].Start] = weight;
        }
        Tensor each = tensor(weights, [parts.Length, 1, length], device: states.device);
        using Tensor pooled = each.bmm(states.to(ScalarType.Float32)).cpu();
        using var values = pooled.data<float>();
        int width = embeddings[0].Length;
        for (int row = 0; row < parts.Length; row++)
        {
            float[] embedding = embeddings[parts[row].Text];
            for (int i = 0; i < width; i++) embedding[i] += values[(long)row * width + i];
            if (!Array.TrueForAll(embedding, float.IsFinite)) throw LogLikelihoodScorer.NotFinite("hidden states", "embedding");
        }
    }
}
