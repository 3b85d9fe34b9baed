using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.ML.Reversible.Checkpoints;
using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Losses;
using Microsoft.ML.Reversible.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Retrofitting;

/// <summary>
/// Trains a student to give its teacher's distribution of the next token, and, by option, to have streams like the teacher's. Of the
/// teacher the last hidden states are kept for a batch, the streams that are compared, and the logits of a chunk of tokens.
/// </summary>
internal sealed class Distillation : ITrainingObjective
{
    private readonly LanguageNetwork _teacher;
    private readonly DistillationLoss _loss;
    private readonly double _streamWeight;
    private readonly IReadOnlyList<LayerPair> _streams;
    private readonly Lazy<string> _teacherHash;

    /// <summary>Makes the objective.</summary>
    /// <param name="teacher">
    /// The teacher, of the student's vocabulary; it may be on another device and compute in another precision. It is not changed.
    /// </param>
    /// <param name="loss">What is charged for a token.</param>
    /// <param name="streamWeight">w of <see cref="StreamDistance"/>; 0 compares no streams.</param>
    /// <param name="streams">
    /// The streams that are compared, of one width: those of stacks whose functions are counted, so that a Hamiltonian one has two a block.
    /// </param>
    public Distillation(LanguageNetwork teacher, DistillationLoss loss, double streamWeight = 0, IReadOnlyList<LayerPair>? streams = null)
    {
        (_teacher, _loss, _streamWeight, _streams) = (teacher, loss, streamWeight, streams ?? []);
        _teacherHash = new(() => Hash(teacher));
    }

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, string>> Settings
    {
        get
        {
            yield return new("Teacher", _teacherHash.Value);
            foreach (var setting in Describe(_loss)) yield return setting;
            if (_streamWeight == 0) yield break;
            yield return new("HiddenStateWeight", Text(_streamWeight));
            yield return new("LayerMap", string.Join(", ", _streams.Select(pair => $"{pair.Teacher}-{pair.Student}")));
        }
    }

    /// <inheritdoc/>
    public Tensor Differentiate(LanguageNetwork model, TokenBatch batch, double scale, long seed, Action<int>? layerDone)
    {
        using var scope = NewDisposeScope();
        (Tensor ids, Tensor targets) = batch.ToTensors(model.Device);
        using StreamDistance? streams = _streamWeight == 0
            ? null
            : new(_streamWeight, _streams, targets.eq(TokenBatch.Ignored).view(batch.Rows, -1, 1), scale);
        LinearHead teacher = Teach(_teacher, ids, streams is null ? null : streams.Keep);
        Tensor sum = LanguageModelLoss.Differentiate(
            model, ids, seed,
            (hidden, rows, gradWeight) => ChunkedDivergence.Differentiate(
                new LinearHead(hidden, model.HeadWeight, model.Compute), teacher with { Hidden = rows.Of(teacher.Hidden, ids.shape[1]) },
                rows.Of(targets, ids.shape[1]), gradWeight, _loss, scale),
            layerDone, streams is null ? null : streams.Differentiate);
        if (streams is not null) sum.add_(streams.LossSum);
        return sum.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public (double CrossEntropy, double Loss) Evaluate(LanguageNetwork model, TokenBatch batch) => Evaluate(_teacher, model, batch);

    /// <summary>The best student is the one with the smallest KL(teacher‖student) on held-out text, as the report has it.</summary>
    public static (double CrossEntropy, double Loss) Evaluate(LanguageNetwork teacher, LanguageNetwork student, TokenBatch batch)
    {
        DivergenceSums sums = Agreement.Compare(teacher, student, batch);
        return (-sums.StudentLogLikelihood, sums.Kl);
    }

    /// <summary>The settings of a loss that decide a run's curve.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Describe(DistillationLoss loss)
    {
        yield return new(nameof(loss.Divergence), loss.Divergence.ToString());
        yield return new(nameof(loss.Temperature), Text(loss.Temperature));
        yield return new(nameof(loss.CrossEntropyWeight), Text(loss.CrossEntropyWeight));
        if (loss.Divergence == Divergence.JensenShannon) yield return new(nameof(loss.JensenShannonWeight), Text(loss.JensenShannonWeight));
    }

    /// <summary>SHA-256 of all that decides what a teacher answers: shape, scheme, numbers and weights; 64 hexadecimal digits.</summary>
    public static string Hash(LanguageNetwork teacher)
    {
        using var hash = SHA256.Create();
        using (var stream = new CryptoStream(Stream.Null, hash, CryptoStreamMode.Write))
        {
            string shape = RunIdentity.Describe(teacher.Configuration);
            stream.Write(Encoding.UTF8.GetBytes($"{shape}; {teacher.Stack.Scheme}; {teacher.Stack.Arithmetic}; {teacher.Compute}; "));
            WeightWriter.Write(stream, teacher, WeightPrecision.Float32);
        }
        return Convert.ToHexString(hash.Hash!);
    }

    /// <summary>A teacher's last hidden states and its head, without a graph, in the current dispose scope.</summary>
    /// <param name="teacher">The teacher.</param>
    /// <param name="ids">Token ids, int64, of shape [batch, context], on any device.</param>
    /// <param name="stream">As in <see cref="LayerStack.Evaluate(Tensor, CachePass, Action{int, Tensor})"/>.</param>
    public static LinearHead Teach(LanguageNetwork teacher, Tensor ids, Action<int, Tensor>? stream = null)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor embedded = teacher.Embed(ids.to(teacher.Device));
        Tensor output = stream is null ? teacher.Stack.Evaluate(embedded) : teacher.Stack.Evaluate(embedded, pass: null, stream);
        Tensor hidden = teacher.FinalNorm(output).flatten(0, 1).MoveToOuterDisposeScope();
        return new(hidden, teacher.HeadWeight, teacher.Compute);
    }

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}
