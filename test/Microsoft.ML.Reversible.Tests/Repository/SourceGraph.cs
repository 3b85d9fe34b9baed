using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>Which members of an assembly's source refer to which others, as the compiler resolves the names.</summary>
internal sealed class SourceGraph
{
    private const string Implicit =
        "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;"
        + "global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;";

    private readonly Dictionary<ISymbol, HashSet<ISymbol>> _edges = new(SymbolEqualityComparer.Default);
    private readonly Dictionary<ISymbol, HashSet<ISymbol>> _implementations = new(SymbolEqualityComparer.Default);
    private readonly CSharpCompilation _compilation;

    private SourceGraph(CSharpCompilation compilation)
    {
        _compilation = compilation;
        foreach (INamedTypeSymbol type in TypesIn(compilation.Assembly.GlobalNamespace)) AddImplementations(type);
    }

    /// <summary>Reads an assembly's source.</summary>
    /// <param name="files">Its files, each with the path to show, which has slashes.</param>
    public static SourceGraph Of(IEnumerable<(string Path, string Source)> files)
    {
        CSharpParseOptions options = new(LanguageVersion.Preview);
        SyntaxTree[] trees = [.. files.Select(file => CSharpSyntaxTree.ParseText(file.Source, options, file.Path))];
        IEnumerable<string> assemblies = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path) != "Microsoft.ML.Reversible.dll");
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Microsoft.ML.Reversible", [.. trees, CSharpSyntaxTree.ParseText(Implicit, options)],
            assemblies.Select(path => MetadataReference.CreateFromFile(path)),
            new(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable));
        var graph = new SourceGraph(compilation);
        foreach (SyntaxTree tree in trees) graph.Add(tree);
        return graph;
    }

    /// <summary>The references of one file to a type of another, or to its members: the two paths, the line and the name.</summary>
    public List<(string From, string To, int Line, string Name)> References { get; } = [];

    /// <summary>The names that the compiler could not resolve, each with its place; none if the graph is whole.</summary>
    public IEnumerable<string> Errors =>
        _compilation.GetDiagnostics().Where(found => found.Severity == DiagnosticSeverity.Error).Select(found => found.ToString());

    /// <summary>Finds the files that a reader opens to follow a path.</summary>
    /// <param name="start">Where it starts, as Type.Member.</param>
    /// <param name="steps">The members to come to, as Type.Member.</param>
    /// <returns>The files of all members on a chain of calls from the start to one of the steps.</returns>
    /// <exception cref="ArgumentException">The source has no such member, or no call from the start comes to a step.</exception>
    public IReadOnlyCollection<string> FilesBetween(string start, params string[] steps)
    {
        HashSet<ISymbol> from = Reached(start);
        foreach (string step in steps)
            if (!Members(step).Any(from.Contains)) throw new ArgumentException($"No call from {start} comes to {step}.", nameof(steps));
        Dictionary<ISymbol, HashSet<ISymbol>> callers = new(SymbolEqualityComparer.Default);
        foreach (ISymbol caller in from)
        {
            foreach (ISymbol callee in Callees(caller).Where(from.Contains))
            {
                if (!callers.TryGetValue(callee, out HashSet<ISymbol>? known))
                    callers[callee] = known = new(SymbolEqualityComparer.Default);
                known.Add(caller);
            }
        }
        HashSet<ISymbol> on = Closure(steps.SelectMany(Members), symbol => callers.GetValueOrDefault(symbol) ?? []);
        on.IntersectWith(from);
        return FilesOf(on);
    }

    /// <summary>Returns the files of all members that calls from one reach, directly or indirectly.</summary>
    public IReadOnlyCollection<string> FilesFrom(string start) => FilesOf(Reached(start));

    /// <summary>
    /// Returns the members that calls from one reach. A virtual call reaches only types that code on the way makes (rapid type analysis).
    /// </summary>
    private HashSet<ISymbol> Reached(string start)
    {
        HashSet<ISymbol> seen = new(SymbolEqualityComparer.Default), made = new(SymbolEqualityComparer.Default);
        List<ISymbol> waiting = [];
        Stack<ISymbol> open = new(Members(start));
        foreach (ISymbol first in open) made.Add(first.ContainingType.OriginalDefinition);
        while (open.TryPop(out ISymbol? symbol))
        {
            if (!seen.Add(symbol)) continue;
            foreach (ISymbol other in _edges.GetValueOrDefault(symbol) ?? []) open.Push(other);
            foreach (ISymbol other in _implementations.GetValueOrDefault(symbol) ?? [])
                if (made.Contains(other.ContainingType)) open.Push(other);
                else waiting.Add(other);
            if (symbol is not IMethodSymbol { MethodKind: MethodKind.Constructor }) continue;
            INamedTypeSymbol? type = symbol.ContainingType;
            for (; type is not null && made.Add(type); type = type.BaseType?.OriginalDefinition)
                foreach (ISymbol other in waiting.Where(other => SymbolEqualityComparer.Default.Equals(other.ContainingType, type)))
                    open.Push(other);
        }
        return seen;
    }

    private static SortedSet<string> FilesOf(IEnumerable<ISymbol> members) => new(
        members.Where(member => member is not INamedTypeSymbol).SelectMany(member => member.DeclaringSyntaxReferences)
            .Select(declaration => declaration.SyntaxTree.FilePath).Where(path => path.Length > 0),
        StringComparer.Ordinal);

    private static HashSet<ISymbol> Closure(IEnumerable<ISymbol> starts, Func<ISymbol, IEnumerable<ISymbol>> next)
    {
        HashSet<ISymbol> seen = new(SymbolEqualityComparer.Default);
        Stack<ISymbol> open = new(starts);
        while (open.TryPop(out ISymbol? symbol))
            if (seen.Add(symbol)) foreach (ISymbol other in next(symbol)) open.Push(other);
        return seen;
    }

    private IEnumerable<ISymbol> Callees(ISymbol member) =>
        [.. _edges.GetValueOrDefault(member) ?? [], .. _implementations.GetValueOrDefault(member) ?? []];

    private ISymbol[] Members(string name)
    {
        int dot = name.LastIndexOf('.');
        ISymbol[] found =
        [
            .. TypesIn(_compilation.Assembly.GlobalNamespace).Where(type => type.Name == name[..dot])
                .SelectMany(type => type.GetMembers()).Where(member => member.Name == name[(dot + 1)..]),
        ];
        return found.Length > 0 ? found : throw new ArgumentException($"The source has no {name}.", nameof(name));
    }

    private static IEnumerable<INamedTypeSymbol> TypesIn(INamespaceOrTypeSymbol scope) => scope.GetMembers().SelectMany(member =>
        member switch
        {
            INamespaceSymbol inner => TypesIn(inner),
            INamedTypeSymbol type => [type, .. TypesIn(type)],
            _ => Enumerable.Empty<INamedTypeSymbol>(),
        });

    /// <summary>Notes that a call of a virtual or interface member may reach each member that overrides or implements it.</summary>
    private void AddImplementations(INamedTypeSymbol type)
    {
        foreach (ISymbol member in type.GetMembers())
        {
            ISymbol? overridden = member switch
            {
                IMethodSymbol method => method.OverriddenMethod,
                IPropertySymbol property => property.OverriddenProperty,
                _ => null,
            };
            if (overridden is not null) Note(_implementations, overridden.OriginalDefinition, member);
        }
        foreach (ISymbol declared in type.AllInterfaces.Where(IsOurs).SelectMany(of => of.GetMembers()))
            if (type.FindImplementationForInterfaceMember(declared) is { } member)
                Note(_implementations, declared.OriginalDefinition, member.OriginalDefinition);
    }

    private void Add(SyntaxTree tree)
    {
        SemanticModel model = _compilation.GetSemanticModel(tree);
        foreach (SyntaxNode node in tree.GetRoot().DescendantNodes())
        {
            if (node is not (SimpleNameSyntax or BaseObjectCreationExpressionSyntax or ConstructorInitializerSyntax
                or PrimaryConstructorBaseTypeSyntax or ElementAccessExpressionSyntax))
                continue;
            if (node.FirstAncestorOrSelf<UsingDirectiveSyntax>() is not null) continue;
            if (model.GetSymbolInfo(node).Symbol is not { } symbol) continue;
            ISymbol target = (symbol is IMethodSymbol { ReducedFrom: { } extension } ? extension : symbol).OriginalDefinition;
            if (target is INamespaceSymbol or ILocalSymbol or IParameterSymbol or ILabelSymbol or IRangeVariableSymbol
                or ITypeParameterSymbol or IMethodSymbol { MethodKind: MethodKind.LocalFunction })
                continue;
            if (target is { Name: "call", ContainingType.ContainingType.Name: "nn" }) target = Forward(target);
            if (!IsOurs(target) && !_implementations.ContainsKey(target)) continue;
            int line = node.GetLocation().GetLineSpan().StartLinePosition.Line + 1;
            if (IsOurs(target)) foreach (SyntaxReference declaration in (target.ContainingType ?? target).DeclaringSyntaxReferences)
                if (declaration.SyntaxTree != tree)
                    References.Add((tree.FilePath, declaration.SyntaxTree.FilePath, line, target.ToDisplayString()));
            foreach (ISymbol member in Enclosing(model, node)) Note(_edges, member, target);
        }
    }

    /// <summary>The member that a node is in; a field's value and a primary constructor's arguments belong to all constructors.</summary>
    private static IEnumerable<ISymbol> Enclosing(SemanticModel model, SyntaxNode node)
    {
        SyntaxNode? declaration = node.AncestorsAndSelf()
            .FirstOrDefault(of => of is MemberDeclarationSyntax and not BaseNamespaceDeclarationSyntax);
        switch (declaration)
        {
            case BaseFieldDeclarationSyntax field:
                foreach (VariableDeclaratorSyntax variable in field.Declaration.Variables)
                    if (model.GetDeclaredSymbol(variable) is { } symbol) yield return symbol;
                if (model.GetDeclaredSymbol(field.Declaration.Variables[0])?.ContainingType is { } holder)
                    foreach (IMethodSymbol constructor in holder.Constructors) yield return constructor;
                break;
            case TypeDeclarationSyntax type when model.GetDeclaredSymbol(type) is INamedTypeSymbol symbol:
                foreach (IMethodSymbol constructor in symbol.Constructors) yield return constructor;
                break;
            case PropertyDeclarationSyntax { Initializer: not null } property when model.GetDeclaredSymbol(property) is { } symbol:
                yield return symbol;
                foreach (IMethodSymbol constructor in symbol.ContainingType.Constructors) yield return constructor;
                break;
            case not null when model.GetDeclaredSymbol(declaration) is { } symbol:
                yield return symbol;
                break;
        }
    }

    /// <summary>Returns the method that a module's <c>call</c> calls.</summary>
    private static ISymbol Forward(ISymbol call) => call.ContainingType.GetMembers("forward").SingleOrDefault() ?? call;

    private bool IsOurs(ISymbol symbol) => SymbolEqualityComparer.Default.Equals(symbol.ContainingAssembly, _compilation.Assembly);

    private static void Note(Dictionary<ISymbol, HashSet<ISymbol>> graph, ISymbol from, ISymbol to)
    {
        if (!graph.TryGetValue(from, out HashSet<ISymbol>? known)) graph[from] = known = new(SymbolEqualityComparer.Default);
        known.Add(to);
    }
}
