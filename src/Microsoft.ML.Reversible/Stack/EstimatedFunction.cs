using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible;

/// <summary>
/// f_j(p) + a e_j(p), the function of a layer that also looks at what the layer below it did: e_j(p) is the estimate of f_{j-1} at the
/// stream that p came from. Its parameters are those of block j alone; gradients reach block j - 1 as well, before its own turn comes.
/// </summary>
internal sealed class EstimatedFunction : nn.Module<Tensor, Tensor>, ICachedFunction
{
    private readonly Block _block;
    private readonly PreviousStateEstimate _estimate;
    private readonly double _factor;

    /// <summary>Makes the function.</summary>
    /// <param name="block">f_j.</param>
    /// <param name="estimate">The estimate by f_{j-1}.</param>
    /// <param name="factor">a.</param>
    public EstimatedFunction(Block block, PreviousStateEstimate estimate, double factor) : base(nameof(EstimatedFunction))
    {
        _block = block;
        _estimate = estimate;
        _factor = factor;
        RegisterComponents();
    }

    /// <inheritdoc/>
    public int AttentionCount => _estimate.AttentionCount + _block.AttentionCount();

    public override Tensor forward(Tensor input) => Forward(input, null);

    /// <inheritdoc/>
    public Tensor Forward(Tensor input, CacheLayer? at)
    {
        using var scope = NewDisposeScope();
        // In the stream's type: the sum of two bfloat16 values would be rounded to that once more.
        Tensor own = _block.At(input, at?.Behind(_estimate.AttentionCount)).to(input.dtype);
        return (own + _estimate.Increment(input, at) * _factor).MoveToOuterDisposeScope();
    }
}
