using System.Globalization;
using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Schemes;
using Microsoft.ML.Reversible.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Retrofit;

/// <summary>
/// Trains a student to match its teacher's distribution of the next token and, by option, the teacher's hidden states. Per batch, it stores
/// the teacher's last hidden states, the hidden states between its layers that are compared, and the logits of one chunk of tokens.
/// </summary>
internal sealed class DistillationTask : LanguageTask
{
    private readonly LanguageNetwork _teacher;
    private readonly TeacherCache? _answers;
    private readonly DistillationLoss _loss;
    private readonly double _hiddenStateWeight;
    private readonly IReadOnlyList<LayerPair> _states;

    /// <summary>Creates the task.</summary>
    /// <param name="student">The student; the caller owns it.</param>
    /// <param name="teacher">
    /// The teacher, with the student's vocabulary. It may be on another device and compute in another precision. It is not changed.
    /// </param>
    /// <param name="tokens">The data; the caller owns it.</param>
    /// <param name="options">The options, already checked.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="answers">
    /// The cache of the teacher's most likely tokens at the loss's temperature. With it, the teacher is run on held-out text only; null
    /// always runs the teacher.
    /// </param>
    public DistillationTask(
        LanguageModel student, LanguageNetwork teacher, TokenCache tokens, RetrofitEstimator.Options options, int seed,
        TeacherCache? answers = null)
        : base(student, options.Windows(tokens, seed, fixedPlaces: answers is not null), options)
    {
        (_teacher, _answers, _loss, _hiddenStateWeight) = (teacher, answers, options.Loss, options.HiddenStateWeight);
        // Layers are counted as functions of the stack, so a Hamiltonian stack has two per block.
        _states = options.LayerMap
            ?? [.. Enumerable.Range(1, student.Network.Stack.Blocks.Count).Select(layer => new LayerPair(layer, layer))];
        if (answers is not null && answers.Header.Temperature != _loss.Temperature)
            throw new ArgumentException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The teacher's cache has temperature {answers.Header.Temperature}, but the loss has {_loss.Temperature}."),
                nameof(options));
    }

    /// <inheritdoc/>
    public override IEnumerable<FingerprintEntry> Fingerprint
    {
        get
        {
            foreach (FingerprintEntry entry in base.Fingerprint) yield return entry;
            yield return new("Teacher", _answers?.Header.TeacherHash ?? WeightHash.Of(_teacher));
            if (_answers is not null)
                yield return new(
                    nameof(RetrofitEstimator.Options.TeacherTopK), $"{_answers.Header.K} in float{8 * _answers.Header.ValueBytes}");
            if (_hiddenStateWeight > 0)
                yield return new(
                    nameof(RetrofitEstimator.Options.LayerMap),
                    string.Join(", ", _states.Select(pair => $"{pair.Teacher}-{pair.Student}")));
        }
    }

    /// <inheritdoc/>
    internal override Tensor Differentiate(TokenBatch batch, StepContext step)
    {
        using var scope = NewDisposeScope();
        (Tensor ids, Tensor targets) = batch.ToTensors(Network.Device);
        return (_answers is null ? WithTeacher(batch, ids, targets, step) : WithAnswers(_answers, batch, ids, targets, step))
            .MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The best student is the one with the smallest KL(teacher‖student) on held-out text, the same number as in the report.
    /// </summary>
    internal override (double CrossEntropy, double Criterion) Evaluate(TokenBatch batch)
    {
        DivergenceSums sums = Agreement.Compare(_teacher, Network, batch);
        return (-sums.StudentLogLikelihood, sums.Kl);
    }

    /// <summary>Returns a teacher's last hidden states and its head, without a graph, in the current dispose scope.</summary>
    /// <param name="teacher">The teacher.</param>
    /// <param name="ids">Token ids, int64, of shape [batch, context], on any device.</param>
    /// <param name="state">As in <see cref="LayerStack.Evaluate(Tensor, EvaluationContext, Action{int, Tensor})"/>.</param>
    public static LinearHead Teach(LanguageNetwork teacher, Tensor ids, Action<int, Tensor>? state = null)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor embedded = teacher.Embed(ids.to(teacher.Device));
        Tensor output = state is null ? teacher.Stack.Evaluate(embedded) : teacher.Stack.Evaluate(embedded, context: null, state);
        Tensor hidden = teacher.FinalNorm(output).flatten(0, 1).MoveToOuterDisposeScope();
        return LinearHead.Of(teacher, hidden);
    }

    private Tensor WithTeacher(TokenBatch batch, Tensor ids, Tensor targets, StepContext step)
    {
        using HiddenStateDistance? states = _hiddenStateWeight == 0
            ? null
            : new(_hiddenStateWeight, _states, targets.eq(TokenBatch.Ignored).view(batch.Rows, -1, 1), step.Scale);
        LinearHead teacher = Teach(_teacher, ids, states is null ? null : states.Keep);
        Tensor sum = LanguageModelLoss.Differentiate(
            Network, ids, step,
            (hidden, rows, gradWeight) => ChunkedDivergence.Differentiate(
                LinearHead.Of(Network, hidden),
                teacher with { Hidden = rows.Of(teacher.Hidden, ids.shape[1]) },
                rows.Of(targets, ids.shape[1]), gradWeight, _loss, step.Scale),
            states is null ? null : states.Differentiate, dropout: Dropout);
        return states is null ? sum : sum.add_(states.LossSum);
    }

    private Tensor WithAnswers(TeacherCache cache, TokenBatch batch, Tensor ids, Tensor targets, StepContext step)
    {
        TopLogits answers = cache.Read(batch, Network.Device);
        return LanguageModelLoss.Differentiate(
            Network, ids, step,
            (hidden, rows, gradWeight) => ChunkedDivergence.Differentiate(
                LinearHead.Of(Network, hidden),
                answers.Chunk(rows.First * ids.shape[1], rows.Count * ids.shape[1]), rows.Of(targets, ids.shape[1]), gradWeight, _loss,
                step.Scale),
            dropout: Dropout);
    }
}
