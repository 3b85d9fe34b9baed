using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Language;

/// <summary>
/// Computes the log-likelihood of a whole text. Each token is predicted once: the first from the token for an empty context, the others
/// from the tokens before them in their window.
/// </summary>
/// <remarks>
/// A text longer than the context is split into consecutive windows. Each begins with the last token of the previous one; the last window
/// begins earlier, so that it is full. This is the rolling log-likelihood of lm-evaluation-harness.
/// </remarks>
internal sealed class TextScorer(LanguageModel model) : ITextScorer
{
    /// <summary>
    /// The maximum number of tokens in a batch of windows. Attention then takes no more memory than for one window of this length.
    /// </summary>
    private const int BatchTokens = 4096;

    /// <summary>A window over the text's tokens, which are preceded by the token for an empty context.</summary>
    /// <param name="Start">The index of the first input.</param>
    /// <param name="Length">The number of inputs.</param>
    /// <param name="Scored">The number of targets, the last ones, that this window scores. Earlier windows have scored the others.</param>
    internal readonly record struct Window(int Start, int Length, int Scored);

    /// <inheritdoc/>
    public TextScore Score(ReadOnlySpan<char> text)
    {
        model.ThrowIfDisposed();
        return Score(model.Tokenizer.Encode(text));
    }

    /// <inheritdoc/>
    public TextScore Score(ReadOnlySpan<int> tokens)
    {
        model.ThrowIfDisposed();
        if (tokens.Length == 0) return new TextScore(0, 0, float.NaN);
        var ids = new long[tokens.Length + 1];
        ids[0] = model.PrefixId;
        for (int i = 0; i < tokens.Length; i++) ids[i + 1] = CheckedId(tokens[i]);
        int context = model.Network.Configuration.ContextLength;
        double sum = 0;
        foreach (Window[] windows in Windows(tokens.Length, context).Chunk(Math.Max(1, BatchTokens / context)))
            sum += LogLikelihood(ids, windows);
        return new TextScore((float)sum, tokens.Length, (float)Math.Exp(-sum / tokens.Length));
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

    private int CheckedId(int id) => (uint)id < (uint)model.Network.Configuration.VocabularySize
        ? id
        : throw new ArgumentOutOfRangeException(
            nameof(id), id,
            $"The id {id} is outside the model's vocabulary, whose ids are 0 to {model.Network.Configuration.VocabularySize - 1}.");

    private double LogLikelihood(long[] ids, Window[] windows)
    {
        int length = windows[0].Length;
        long[] inputs = new long[windows.Length * length], targets = new long[inputs.Length];
        for (int i = 0; i < windows.Length; i++)
        {
            Array.Copy(ids, windows[i].Start, inputs, i * length, length);
            Array.Copy(ids, windows[i].Start + 1, targets, i * length, length);
            Array.Fill(targets, ChunkedCrossEntropy.Ignored, i * length, length - windows[i].Scored);
        }
        using var scope = NewDisposeScope();
        Device device = model.Network.Device;
        Tensor each = LanguageModelLoss.LogLikelihood(
            model.Network, tensor(inputs, [windows.Length, length], device: device), tensor(targets, device: device));
        return each.sum(ScalarType.Float64).item<double>();
    }
}
