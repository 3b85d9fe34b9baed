using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>How parameters lie one after the other in a stretch of a buffer: matrices first, since only they decay.</summary>
/// <remarks>Moments in checkpoints lie alike, so a change of the order or of the alignment would make old checkpoints wrong.</remarks>
internal sealed class FlatLayout
{
    /// <summary>Stretches are multiples of it, in elements, so that a gradient can be seen as rows of it.</summary>
    public const long Row = 1024;

    /// <summary>
    /// Elements to whose multiples parameters are aligned: the 256 bytes at which allocators start their blocks too. Without it, matrix
    /// products would take slower paths, and others than on a parameter that lies alone. The gaps hold zeros and keep them.
    /// </summary>
    private const long Alignment = 64;

    private readonly (Parameter Parameter, long[] Shape, long Start)[] _places;

    /// <summary>Lays parameters out.</summary>
    /// <param name="parameters">The parameters, each with the shape that it has or will have.</param>
    public FlatLayout(IEnumerable<(Parameter Parameter, long[] Shape)> parameters)
    {
        var places = new List<(Parameter, long[], long)>();
        foreach (var (parameter, shape) in parameters.OrderByDescending(p => IsMatrix(p.Shape)))
        {
            places.Add((parameter, shape, Used));
            Used += RoundUp(Elements(shape), Alignment);
            if (IsMatrix(shape)) MatrixElements = Used;
        }
        _places = [.. places];
    }

    /// <summary>Lays parameters out in the shapes that they have.</summary>
    public FlatLayout(IEnumerable<Parameter> parameters) : this(parameters.Select(p => (p, p.shape)))
    {
    }

    /// <summary>Elements that the matrices take, from the front.</summary>
    public long MatrixElements { get; }

    /// <summary>Elements that the parameters take with their gaps.</summary>
    public long Used { get; private set; }

    /// <summary>Elements of a stretch with room for the parameters; one row where there are none.</summary>
    public long Length => RoundUp(Math.Max(1, Used), Row);

    /// <summary>The parameters, in order.</summary>
    public IEnumerable<Parameter> Parameters => _places.Select(place => place.Parameter);

    /// <summary>Each parameter's place in a stretch, as a tensor of the parameter's shape, in order.</summary>
    public IEnumerable<Tensor> Views(Tensor stretch) => _places.Select(place =>
    {
        using var scope = NewDisposeScope();
        return stretch.narrow(0, place.Start, Elements(place.Shape)).view(place.Shape).MoveToOuterDisposeScope();
    });

    /// <summary>Gives the parameters their places in a stretch, whatever is there.</summary>
    public void Place(Tensor stretch)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        foreach (var (parameter, view) in Parameters.Zip(Views(stretch))) parameter.set_(view);
    }

    /// <summary>
    /// Moves the parameters with their values to their places in a stretch. Those that are there already stay: their values are copied
    /// onto themselves, which is cheaper to do than to find out, since TorchSharp does not tell whose storage a tensor has.
    /// </summary>
    public void Move(Tensor stretch)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        foreach (var (parameter, view) in Parameters.Zip(Views(stretch)))
        {
            view.copy_(parameter);
            parameter.set_(view);
        }
    }

    /// <summary>Where another layout's parameters lie in this one, one after the other as there; null if they do not.</summary>
    public long? StartOf(FlatLayout part)
    {
        if (part._places.Length == 0) return null;
        int first = Array.FindIndex(_places, place => ReferenceEquals(place.Parameter, part._places[0].Parameter));
        if (first < 0 || part._places.Length > _places.Length - first) return null;
        bool same = part._places.Zip(_places.Skip(first)).All(pair =>
            ReferenceEquals(pair.First.Parameter, pair.Second.Parameter) && pair.First.Shape.SequenceEqual(pair.Second.Shape));
        return same ? _places[first].Start : null;
    }

    private static bool IsMatrix(long[] shape) => shape.Length >= 2;

    private static long Elements(long[] shape) => shape.Aggregate(1L, (product, size) => checked(product * size));

    private static long RoundUp(long elements, long unit) => (elements + unit - 1) / unit * unit;
}
