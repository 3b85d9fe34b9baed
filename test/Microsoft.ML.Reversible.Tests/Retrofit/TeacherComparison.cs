using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Retrofit;

/// <summary>
/// Compares a trained residual network with its weights under other schemes, on windows of text. Written from the definitions, in float64
/// from the logits on.
/// </summary>
/// <param name="teacher">The network.</param>
/// <param name="ids">The text as tokens.</param>
/// <param name="size">Tokens that a window predicts; the last one is the next window's first.</param>
internal sealed class TeacherComparison(LanguageNetwork teacher, int[] ids, int size)
{
    private const int Batch = 8;

    /// <summary>The result of a comparison.</summary>
    /// <param name="Nats">The mean of -log p of the next token.</param>
    /// <param name="Divergence">KL(teacher, converted), nats a token.</param>
    /// <param name="Agreement">The part of the tokens for which both find the same next one likeliest.</param>
    public readonly record struct Result(double Nats, double Divergence, double Agreement);

    /// <summary>Number of windows in the text.</summary>
    public int WindowCount => (ids.Length - 1) / size;

    /// <summary>Compares over some windows, evenly spread.</summary>
    public Result Of(Scheme scheme, int windows)
    {
        var stack = new LayerStack(scheme, teacher.Blocks, BackwardMode.Stored);
        double[] sums = new double[3];
        for (int first = 0; first < windows; first += Batch)
        {
            int count = Math.Min(Batch, windows - first);
            double[] batch = Sums(stack, [.. Enumerable.Range(first, count).Select(w => w * WindowCount / windows)]);
            for (int i = 0; i < sums.Length; i++) sums[i] += batch[i] / windows / size;
        }
        return new(sums[0], sums[1], sums[2]);
    }

    private double[] Sums(LayerStack stack, int[] windows)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        long[] all = [.. windows.SelectMany(w => ids[(w * size)..(w * size + size + 1)]).Select(id => (long)id)];
        Tensor tokens = tensor(all, [windows.Length, size + 1]);
        Tensor embedded = teacher.Embed(tokens.narrow(1, 0, size)), targets = tokens.narrow(1, 1, size).unsqueeze(-1);
        Tensor expected = LogProbabilities(teacher.Stack, embedded), actual = LogProbabilities(stack, embedded);
        return
        [
            -actual.gather(-1, targets).sum(ScalarType.Float64).ToDouble(),
            (expected.exp() * (expected - actual)).sum(ScalarType.Float64).ToDouble(),
            expected.argmax(-1).eq(actual.argmax(-1)).to(ScalarType.Float64).sum(ScalarType.Float64).ToDouble(),
        ];
    }

    private Tensor LogProbabilities(LayerStack stack, Tensor embedded) =>
        teacher.Head(teacher.FinalNorm(stack.Evaluate(embedded))).to(ScalarType.Float64).log_softmax(-1);
}
