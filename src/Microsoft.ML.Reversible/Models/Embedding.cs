using Microsoft.ML.Reversible.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>A matrix with a row for each id.</summary>
internal sealed class Embedding : NamedModule
{
    // On CUDA its gradient adds up the rows of an id in one order for up to 3,072 ids, and for more ids of a large vocabulary; that of
    // index_select adds them in any order.
    private static readonly ScriptFunction EmbeddingFunction = new(
        "embedding",
        """
        def embedding(weight, ids):
            return torch.embedding(weight, ids)
        """);

    private readonly string _name;
    private readonly long _rows;
    private readonly long _width;
    private readonly Parameter _weight;

    public Embedding(ParameterFactory make, string name, long rows, long width) : base(nameof(Embedding))
    {
        (_name, _rows, _width) = (name, rows, width);
        _weight = make.Normal(ParameterFactory.Deviation, rows, width);
        RegisterComponents();
    }

    /// <summary>The matrix, of shape [rows, width].</summary>
    public Parameter Weight => _weight;

    public override Tensor forward(Tensor input) => LookUp(input, deterministic: false);

    /// <summary>Returns the rows of ids.</summary>
    /// <param name="ids">The ids, of shape [batch, context].</param>
    /// <param name="deterministic">Whether the gradient must have the same bits every time on CUDA too.</param>
    /// <returns>The rows, of shape [batch, context, width], in the caller's dispose scope.</returns>
    public Tensor LookUp(Tensor ids, bool deterministic)
    {
        bool onCuda = _weight.device_type == DeviceType.CUDA;
        // Its gradient sorts the ids and adds up in their order, however many there are; it is slow where one id is frequent.
        if (onCuda && deterministic) return _weight.index(ids);
        Tensor? rows = onCuda ? EmbeddingFunction.TryInvoke(_weight, ids) : null;
        return rows ?? _weight.index_select(0, ids.flatten()).view(ids.shape[0], ids.shape[1], _width);
    }

    /// <inheritdoc/>
    public override IEnumerable<NamedWeight> Weights() => [new(_name + ".weight", _weight, [_rows, _width])];
}
