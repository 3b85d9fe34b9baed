using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Losses;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Retrofitting;

/// <summary>
/// A teacher on a sample of text, for comparing many conversions with it: its final streams are computed once, and a conversion is a stack
/// of another scheme over the very blocks, so that no weight is copied.
/// </summary>
internal sealed class TeacherSample : IDisposable
{
    private readonly LanguageNetwork _teacher;
    private readonly List<(TokenBatch Batch, Tensor Hidden)> _batches = [];

    /// <summary>Runs the teacher.</summary>
    /// <param name="teacher">The teacher; it must outlive the sample.</param>
    /// <param name="batches">The text.</param>
    /// <param name="cancellationToken">Ends the work between two batches.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public TeacherSample(LanguageNetwork teacher, IEnumerable<TokenBatch> batches, CancellationToken cancellationToken = default)
    {
        _teacher = teacher;
        try
        {
            foreach (TokenBatch batch in batches)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var noGraph = no_grad();
                _batches.Add((batch, Agreement.Hidden(teacher, teacher.Stack, batch).DetachFromDisposeScope()));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Number of tokens that a measurement is the mean over.</summary>
    public long TokenCount => _batches.Sum(b => b.Batch.TargetCount);

    /// <summary>Number of blocks.</summary>
    public int LayerCount => _teacher.Blocks.Count;

    /// <summary>Length of a stream's vectors.</summary>
    public int Width => _teacher.Configuration.Width;

    /// <summary>Measures the teacher's blocks under another scheme, in the arithmetic that the scheme trains in.</summary>
    /// <param name="scheme">The scheme.</param>
    /// <param name="cancellationToken">Ends the measurement between two batches.</param>
    /// <returns>Infinitely far where a stream leaves the range of exact arithmetic.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public RetrofitAgreement Measure(Scheme scheme, CancellationToken cancellationToken = default)
    {
        var stack = new LayerStack(scheme.ForTrainedWeights(), _teacher.Blocks, WayBack.Stored, scheme.DefaultArithmetic);
        DivergenceSums sums = default;
        foreach ((TokenBatch batch, Tensor hidden) in _batches)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var noGraph = no_grad();
            sums += Compare(stack, batch, hidden);
        }
        return Agreement.Mean(sums);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((_, Tensor hidden) in _batches) hidden.Dispose();
        _batches.Clear();
    }

    private DivergenceSums Compare(LayerStack stack, TokenBatch batch, Tensor hidden)
    {
        try
        {
            return Agreement.Compare(_teacher, hidden, _teacher, Agreement.Hidden(_teacher, stack, batch), batch);
        }
        catch (OverflowException)
        {
            return new(double.PositiveInfinity, 0, double.NegativeInfinity, 0, batch.TargetCount);
        }
    }
}
