using Microsoft.ML.Reversible.Kernels;
using Microsoft.ML.Reversible.Schemes;
using Microsoft.ML.Reversible.Stack;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>A module whose parameters have names in Hugging Face's files.</summary>
internal abstract class NamedModule(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>Returns the parameters under their names, without the prefix of the layer that the module is in.</summary>
    public abstract IEnumerable<NamedWeight> Weights();
}

/// <summary>A parameter, or some rows of one, under its name in Hugging Face's files.</summary>
/// <param name="Name">The name, with the family's prefix such as <c>transformer.</c>.</param>
/// <param name="Parameter">The parameter; a matrix is of shape [outputs, inputs].</param>
/// <param name="Shape">The shape of these rows, which the parameter itself has only once it is allocated.</param>
/// <param name="FirstRow">The first row: files store separately what is joined here for one matrix product.</param>
/// <param name="Transposed">Whether files store the matrix as [inputs, outputs].</param>
internal readonly record struct NamedWeight(
    string Name, Parameter Parameter, IReadOnlyList<long> Shape, long FirstRow = 0, bool Transposed = false)
{
    /// <summary>What an adapter adds to these rows; null for nothing.</summary>
    public LowRankPart? Adapter { get; init; }

    /// <summary>The shape in a file.</summary>
    public long[] FileShape => Transposed ? [.. Shape.Reverse()] : [.. Shape];

    /// <summary>
    /// Returns a view of the parameter in the shape that it has in files, without what an adapter adds, in the current dispose scope.
    /// </summary>
    public Tensor View()
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        return InFileShape(Parameter.narrow(0, FirstRow, Shape[0])).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Returns the values of a network in which the adapter is merged, in the shape that they have in files, in the current dispose scope:
    /// float32 where there is an adapter, else a view of the parameter.
    /// </summary>
    public Tensor Merged()
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        return InFileShape(MergedRows()).MoveToOuterDisposeScope();
    }

    /// <summary>Returns the same as <see cref="Merged"/> in the parameter's own shape.</summary>
    public Tensor MergedRows()
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        Tensor rows = Parameter.narrow(0, FirstRow, Shape[0]);
        return (Adapter?.AddTo(rows) ?? rows).MoveToOuterDisposeScope();
    }

    private Tensor InFileShape(Tensor rows) => Transposed ? rows.t() : rows;
}

/// <summary>
/// x Wᵀ + b over the last dimension, in the number type in which the model computes. All matrix products of a block go through this module,
/// and an adapter adds its low-rank product here.
/// </summary>
/// <remarks>The parameters keep their number type; where it is not that of the product, they are converted in each call.</remarks>
internal sealed class Linear : NamedModule, IContextFunction
{
    private readonly (string Name, long Rows)[] _parts;
    private readonly long _inputs;
    private readonly ScalarType _compute;
    private readonly bool _transposed;
    private readonly Parameter _weight;
    private readonly Parameter? _bias;
    private LowRankAdapter? _adapter;

    /// <summary>Makes a module whose matrix has one name in files; the rest is as in the other constructor.</summary>
    public Linear(
        ParameterFactory make, ScalarType compute, string name, long inputs, long outputs,
        double deviation = ParameterFactory.Deviation, bool bias = false, bool transposed = false)
        : this(make, compute, [(name, outputs)], inputs, deviation, bias, transposed)
    {
    }

    /// <summary>Makes a module whose matrix joins several that have names of their own in files, for one product.</summary>
    /// <param name="make">Makes the parameters.</param>
    /// <param name="compute">The number type of the product.</param>
    /// <param name="parts">The names, without <c>.weight</c>, and the outputs of each.</param>
    /// <param name="inputs">The size of an input.</param>
    /// <param name="deviation">The standard deviation of the initial weights.</param>
    /// <param name="bias">Whether there is a bias, which begins at zero.</param>
    /// <param name="transposed">Whether files store the matrix as [inputs, outputs].</param>
    public Linear(
        ParameterFactory make, ScalarType compute, (string Name, long Rows)[] parts, long inputs,
        double deviation = ParameterFactory.Deviation, bool bias = false, bool transposed = false)
        : base(nameof(Linear))
    {
        (_parts, _inputs, _compute, _transposed) = (parts, inputs, compute, transposed);
        long outputs = parts.Sum(part => part.Rows);
        _weight = make.Normal(deviation, outputs, inputs);
        if (bias) _bias = make.Zeros(outputs);
        RegisterComponents();
    }

    /// <summary>The matrix, of shape [outputs, inputs].</summary>
    public Parameter Weight => _weight;

    /// <summary>The names in files of what the matrix joins, without <c>.weight</c>, each with its place in the output.</summary>
    public IEnumerable<LinearPart> Parts
    {
        get
        {
            long first = 0;
            foreach ((string name, long rows) in _parts)
            {
                yield return new(name, first, rows);
                first += rows;
            }
        }
    }

    /// <summary>The size of an input.</summary>
    public long Inputs => _inputs;

    /// <summary>Adds an adapter, before the parameters have memory.</summary>
    public void Attach(LowRankAdapter adapter)
    {
        _adapter = adapter;
        register_module("adapter", adapter);
    }

    public override Tensor forward(Tensor input) => Forward(input, null);

    /// <inheritdoc/>
    /// <remarks>With more than two dimensions, TorchSharp's <c>linear</c> would add the bias in a separate pass over memory.</remarks>
    public Tensor Forward(Tensor input, EvaluationContext? context)
    {
        if (_bias is null && _adapter is null) return nn.functional.linear(input.InType(_compute), _weight.InType(_compute));
        using var scope = NewDisposeScope();
        long[] shape = input.shape;
        Tensor rows = input.InType(_compute).reshape(-1, shape[^1]), matrix = _weight.InType(_compute).t();
        Tensor result = _bias is null ? rows.mm(matrix) : addmm(_bias.InType(_compute), rows, matrix, 1, 1);
        if (_adapter is not null)
            result = _adapter.AddTo(result, context is TrainingContext training ? training.DropAdapterInput(rows) : rows);
        shape[^1] = result.shape[1];
        return result.view(shape).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override IEnumerable<NamedWeight> Weights()
    {
        foreach ((string name, long first, long rows) in Parts)
        {
            yield return new(name + ".weight", _weight, [rows, _inputs], first, _transposed) { Adapter = _adapter?.PartAt(first) };
            if (_bias is not null) yield return new(name + ".bias", _bias, [rows], first);
        }
    }

    /// <summary>Returns the matrices of the adapter, if there is one, under PEFT's names within a layer.</summary>
    public IEnumerable<NamedWeight> AdapterWeights() => _adapter?.Weights() ?? [];
}

/// <summary>A part of a joined matrix.</summary>
/// <param name="Name">Its name in files, without <c>.weight</c>.</param>
/// <param name="First">The first of its outputs.</param>
/// <param name="Rows">Number of its outputs.</param>
internal readonly record struct LinearPart(string Name, long First, long Rows);

/// <summary>A matrix with a row for each id.</summary>
internal sealed class Embedding : NamedModule
{
    // On CUDA the gradient of embedding adds the rows of an id in a fixed order for up to 3,072 ids, and for more if the vocabulary is
    // large. That of index_select adds them in varying order.
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

    /// <summary>The name in files, without <c>.weight</c>.</summary>
    public string Name => _name;

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
        // The gradient of index sorts the ids and adds rows in a fixed order, for any number of ids. It is slow if one id is frequent.
        if (onCuda && deterministic) return _weight.index(ids);
        Tensor? rows = onCuda ? EmbeddingFunction.TryInvoke(_weight, ids) : null;
        return rows ?? _weight.index_select(0, ids.flatten()).view(ids.shape[0], ids.shape[1], _width);
    }

    /// <inheritdoc/>
    public override IEnumerable<NamedWeight> Weights() => [new(_name + ".weight", _weight, [_rows, _width])];
}
